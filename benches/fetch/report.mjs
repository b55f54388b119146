/** A number and what it is to be at most. */
export function target(what, value, limit) {
  return { what, value: +value.toFixed(3), limit, reached: value <= limit };
}

/** Prints tables of numbers and which targets they reach; `--json` as one object. `--check` makes a miss an error. */
export function report({ tables, targets }) {
  if (process.argv.includes('--json')) console.log(JSON.stringify({ ...tables, targets }));
  else {
    for (const [title, rows] of Object.entries(tables)) {
      console.log(title);
      for (const [name, row] of Object.entries(rows)) console.log(`  ${name.padEnd(28)} ${shown(row)}`);
    }
    for (const { what, value, limit, reached } of targets)
      console.log(`${reached ? 'reached' : 'MISSED '} ${what}: ${value}, target at most ${limit}`);
  }
  if (process.argv.includes('--check') && targets.some(({ reached }) => !reached)) process.exitCode = 1;
}

function shown(row) {
  const cells = typeof row === 'number' ? { '': Math.round(row) } : row;
  return Object.entries(cells)
    .map(([what, value]) => `${String(value).padStart(9)} ${what}`)
    .join('');
}
