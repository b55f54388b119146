/** Prints tables of numbers and which targets they reach; `--json` as one object. `--check` makes a miss an error. */
export function report({ tables, targets }) {
  if (process.argv.includes('--json')) console.log(JSON.stringify({ ...tables, targets }));
  else {
    for (const [title, rows] of Object.entries(tables)) {
      console.log(title);
      for (const [name, value] of Object.entries(rows)) console.log(`  ${name.padEnd(28)} ${String(Math.round(value)).padStart(9)}`);
    }
    for (const { what, value, limit, reached } of targets)
      console.log(`${reached ? 'reached' : 'MISSED '} ${what}: ${value}, target at most ${limit}`);
  }
  if (process.argv.includes('--check') && targets.some(({ reached }) => !reached)) process.exitCode = 1;
}
