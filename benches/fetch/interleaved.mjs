/** What a round of one candidate should take, in microseconds: less than a turn on a busy processor. */
const ROUND = 3_000;
const WARM = 20_000;

/**
 * Nanoseconds per call of each candidate by `micros()`: medians of rounds that take turns, so that what disturbs one
 * disturbs all.
 */
export async function interleaved(candidates, urls, init, { micros, rounds }) {
  const entries = Object.entries(candidates);
  const calls = {};
  const samples = {};
  const run = async (candidate, count) => {
    const before = micros();
    for (let call = 0; call < count; call++) await candidate(urls[call % urls.length], init);
    return micros() - before;
  };
  for (const [name, candidate] of entries) {
    // Slow ones are warm sooner.
    const quick = (await run(candidate, 200)) < 2_000;
    const warm = quick ? WARM : WARM / 20;
    const spent = await run(candidate, warm);
    calls[name] = Math.max(10, Math.round((ROUND * warm) / Math.max(spent, 1)));
    samples[name] = [];
  }
  for (let round = 0; round < rounds; round++) {
    const first = round % entries.length;
    for (const [name, candidate] of [...entries.slice(first), ...entries.slice(0, first)])
      samples[name].push(((await run(candidate, calls[name])) * 1000) / calls[name]);
  }
  return Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, median(values)]));
}

export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
