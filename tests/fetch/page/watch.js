// Loaded first: keeps what the page says and what goes wrong unseen, so that the end of a test can look at it.

const said = [];
const troubles = [];
/** Names of calls that have not settled, by their promise. */
const open = new Map();

for (const level of ['debug', 'error', 'info', 'log', 'warn']) {
  const native = console[level];
  console[level] = (...args) => {
    said.push(...args.map((value) => spell(value)));
    native.apply(console, args);
  };
}
addEventListener('error', ({ message }) => troubles.push(`uncaught: ${message}`));
addEventListener('unhandledrejection', ({ reason }) => troubles.push(`unhandled rejection: ${reason}`));

/** Takes a promise that must settle in the course of the test; what it rejects with is looked at for tokens. */
export function track(name, promise) {
  open.set(promise, name);
  const settled = () => open.delete(promise);
  promise.then(settled, (error) => (settled(), said.push(spell(error))));
  return promise;
}

export const say = (value) => void said.push(spell(value));

/** What there is since the last call; calls that are under way get `patience` milliseconds to settle. */
export async function harvest(patience) {
  for (let waited = 0; open.size && waited < patience; waited += 10) await sleep(10);
  // Rejections are reported as unhandled in a later task.
  await sleep(0);
  await sleep(0);
  const urls = performance.getEntriesByType('resource').map(({ name }) => name);
  performance.clearResourceTimings();
  const found = { open: [...open.values()], troubles: troubles.splice(0), said: [...said.splice(0), ...urls] };
  open.clear();
  return found;
}

let passed = 0;
const clocks = [Date, performance].map((clock) => [clock, clock.now]);
for (const [clock, now] of clocks) clock.now = () => now.call(clock) + passed;
/** Both clocks go on by so many milliseconds, here, at once. */
export const pass = (duration) => void (passed += duration);

const { setTimeout } = globalThis;
export const sleep = (delay) => new Promise((resolve) => setTimeout(resolve, delay));

/** Everything a value shows, whether enumerable or not. */
function spell(value, depth = 0) {
  if (typeof value !== 'object' || value === null || depth > 4) return String(value);
  const members = Reflect.ownKeys(value).map((key) => `${String(key)}: ${spell(value[key], depth + 1)}`);
  return `${value instanceof Error ? String(value) : ''} { ${members.join(', ')} }`;
}
