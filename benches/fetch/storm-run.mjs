// One storm: the peer, the number of requests and the kind that the command line names. JSON. Needs --expose-gc.
//
// `expired`: the token is over by all clocks, and the API refuses it. `late`: only the API refuses it, and half of its
// 401s come when the refresh is done.
import { setImmediate as turn } from 'node:timers/promises';
import { init } from './candidates.mjs';
import { peers } from './peers.mjs';
import { bearerOf, urls, world } from './world.mjs';

const [, , name, count, kind] = process.argv;
const made = world();
const ok = new Response(null, { status: 200 });
const refused = new Response(null, { status: 401 });

let ahead = 0;
for (const clock of [Date, performance]) {
  const now = clock.now.bind(clock);
  clock.now = () => now() + ahead;
}

let renewed;
const afterwards = new Promise((resolve) => (renewed = resolve)).then(() => refused);
let sends = 0;
globalThis.fetch = (input, options) => {
  if (bearerOf(input, options) === made.accepted) return Promise.resolve(ok);
  return kind === 'late' && sends++ % 2 ? afterwards : Promise.resolve(refused);
};

const candidate = await peers[name](made);
// The page has been in use.
for (let call = 0; call < 2_000; call++) await candidate(urls[call % urls.length], init);
made.accepted = 'none yet';
// A refusal within two seconds of a sign-in would be put down to that.
ahead = kind === 'late' ? 3_000 : 2 * made.held.life;
let open;
made.gate = new Promise((resolve) => (open = resolve));
const calls = new Array(+count);
const spent = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
/** Long enough for all that does not wait for the refresh. */
const settle = async () => {
  for (let turns = 0; turns < 5; turns++) await turn();
};

gc();
const empty = process.memoryUsage().heapUsed;
let before = spent();
for (let call = 0; call < calls.length; call++) calls[call] = candidate(urls[call % urls.length], init);
await settle();
let micros = spent() - before;
gc();
const parked = process.memoryUsage().heapUsed - empty;
before = spent();
open();
await settle();
renewed();
const outcomes = await Promise.allSettled(calls);
micros += spent() - before;
const successes = outcomes.filter(({ value }) => value?.status === 200).length;
console.log(JSON.stringify({ refreshes: made.refreshes, successes, micros, bytes: parked / calls.length }));
process.exit();
