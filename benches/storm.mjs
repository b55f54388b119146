// Many requests with a token that is over: refreshes, successes, processor time and bytes. How: docs/benchmarks.md.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median } from './fetch/interleaved.mjs';
import { report, target } from './fetch/report.mjs';

const RUN = fileURLToPath(new URL('fetch/storm-run.mjs', import.meta.url));
const KINDS = ['expired', 'late'];
const LEAN = ['leanest', 'usual', 'evertoken'];
/** The others take seconds for a thousand. */
const OTHERS = ['@badgateway/oauth2-client', 'ky', 'axios-auth-refresh'];
const SIZES = [
  { count: 1, runs: 3, names: [...LEAN, ...OTHERS] },
  { count: 1_000, runs: 3, names: [...LEAN, ...OTHERS] },
  { count: 100_000, runs: 9, names: LEAN },
];

/** Medians over runs that take turns, each in a process of its own. */
function storm({ count, runs, names }, kind) {
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (let run = 0; run < runs; run++) {
    for (const name of names) {
      const output = execFileSync(process.execPath, ['--expose-gc', RUN, name, String(count), kind], { encoding: 'utf8' });
      samples[name].push(JSON.parse(output));
    }
  }
  const of = (runs, what) => median(runs.map((run) => run[what]));
  const row = (runs) => ({
    refreshes: of(runs, 'refreshes'),
    successes: of(runs, 'successes'),
    nanosPerWaiter: Math.round((of(runs, 'micros') * 1000) / count),
    // Of a few, the noise of the heap is all that shows.
    ...(count > 1 && { bytesPerWaiter: Math.round(of(runs, 'bytes')) }),
  });
  return Object.fromEntries(Object.entries(samples).map(([name, runs]) => [name, row(runs)]));
}

const tables = {};
const targets = [];
for (const kind of KINDS) {
  for (const size of SIZES) {
    const { count } = size;
    const rows = (tables[`${kind}, ${count}`] = storm(size, kind));
    const { evertoken, usual } = rows;
    targets.push(target(`${kind}, ${count}: refreshes`, evertoken.refreshes, 1));
    targets.push(target(`${kind}, ${count}: requests that failed`, count - evertoken.successes, 0));
    if (count < 100_000) continue;
    targets.push(target(`${kind}, ${count}: processor time, evertoken / usual`, evertoken.nanosPerWaiter / usual.nanosPerWaiter, 0.5));
    targets.push(target(`${kind}, ${count}: bytes per waiter`, evertoken.bytesPerWaiter, 400));
    // What is compiled on the way, and the refresh itself, weigh on the thousand.
    const thousand = tables[`${kind}, 1000`].evertoken;
    targets.push(target(`${kind}: processor time per waiter, 100000 / 1000`, evertoken.nanosPerWaiter / thousand.nanosPerWaiter, 1));
  }
}
report({ tables, targets });
