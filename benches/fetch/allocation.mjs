// Bytes that one request allocates, of each peer that is named on the command line; JSON. To be run with --expose-gc and
// a young generation that holds a whole round.
import { candidates, init } from './candidates.mjs';
import { median } from './interleaved.mjs';
import { urls } from './world.mjs';

const ROUNDS = 15;
const CALLS = 2_000;

const samples = {};
for (const [name, candidate] of Object.entries(await candidates(process.argv.slice(2)))) {
  const run = async (count) => {
    for (let call = 0; call < count; call++) await candidate(urls[call % urls.length], init);
  };
  await run(CALLS * 5);
  samples[name] = [];
  for (let round = 0; round < ROUNDS; round++) {
    gc();
    const before = process.memoryUsage().heapUsed;
    await run(CALLS);
    samples[name].push((process.memoryUsage().heapUsed - before) / CALLS);
  }
}
console.log(JSON.stringify(Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, Math.round(median(values))]))));
