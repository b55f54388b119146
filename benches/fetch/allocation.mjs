// Bytes that one request of the peer that the command line names allocates. To be run with --expose-gc and a young
// generation that holds a whole round.
import { candidates, init } from './candidates.mjs';
import { median } from './interleaved.mjs';
import { urls } from './world.mjs';

const ROUNDS = 40;
const CALLS = 2_000;

const [[, candidate]] = Object.entries(await candidates(process.argv.slice(2)));
async function run(count) {
  for (let call = 0; call < count; call++) await candidate(urls[call % urls.length], init);
}

await run(CALLS * 50);
const samples = [];
for (let round = 0; round < ROUNDS; round++) {
  gc();
  const before = process.memoryUsage().heapUsed;
  await run(CALLS);
  samples.push((process.memoryUsage().heapUsed - before) / CALLS);
}
console.log(Math.round(median(samples)));
