// How much memory a browser has, all its processes together.

import { readFile, readdir } from 'node:fs/promises';

/** Bytes that the descendants of a process hold (their share of what they share); `undefined` but on Linux. */
export async function memoryOf(ancestor) {
  if (process.platform !== 'linux') return undefined;
  const parents = new Map();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    // The name of the program, in parentheses, may hold anything.
    parents.set(Number(name), Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]));
  }
  let sum = 0;
  for (const pid of parents.keys()) {
    for (let above = pid; above > 1; above = parents.get(above) ?? 0) {
      if (above !== ancestor) continue;
      const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
      sum += Number(/^Pss: +(\d+) kB/m.exec(text)?.[1] ?? 0) << 10;
      break;
    }
  }
  return sum;
}
