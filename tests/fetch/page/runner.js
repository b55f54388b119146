// Runs the tests of all modules, one after the other, and reports each as it ends.

import { harvest } from './watch.js';
import { cleanUp, engine, harness, native, registered } from './kit.js';

window.running = true;

const MODULES = ['checks', 'fidelity', 'random', 'recovery', 'bodies', 'abort', 'token-request', 'intercept', 'retry', 'destinations', 'poisoned'];
/** How long one test may take: far more than any does. */
const GUARD = 120_000;
const SETTLING = 20_000;

const query = new URLSearchParams(location.search);
const [only, alone] = [query.get('only'), query.get('alone')];
const isWanted = (module, { name }) => (module === only || name.includes(only)) && name.includes(alone);

for (const module of MODULES) {
  try {
    await import(`./${module}.test.js`);
  } catch (error) {
    await run({ name: `the module ${module} loads`, body: () => Promise.reject(error) });
  }
  for (const test of registered()) if (isWanted(module, test)) await run(test);
}
await harness('done');

async function run({ name, body, breaks, expected, lacks = {} }) {
  await harness('begin', { name });
  const skip = lacks[engine];
  const notes = [];
  let error;
  if (!skip) {
    let timer;
    const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error('the test does not end')), GUARD)));
    try {
      await Promise.race([body({ note: (text) => notes.push(text) }), late]);
    } catch (thrown) {
      error = thrown?.problems ?? `${thrown?.message ?? thrown}\n${thrown?.stack ?? ''}`;
    }
    clearTimeout(timer);
  }
  const found = await harvest(breaks ? 200 : SETTLING);
  cleanUp();
  const left = await harvest(0);
  if (window.fetch !== native) {
    window.fetch = native;
    error ??= 'window.fetch was left replaced';
  }
  const page = { error, open: found.open, troubles: [...found.troubles, ...left.troubles], said: [...found.said, ...left.said] };
  await harness('end', { name, notes, skip, expected, breaks, ...page });
}
