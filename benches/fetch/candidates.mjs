import { peers } from './peers.mjs';
import { bearerOf, urls, world } from './world.mjs';

export const init = { method: 'GET', headers: { accept: 'application/json' } };

/** All peers over a stub `fetch` that answers at once, after each has shown that it sends what it must. */
export async function candidates(names = Object.keys(peers)) {
  const made = world();
  const answer = new Response(null, { status: 200 });
  const ready = {};
  for (const name of names) {
    let seen;
    globalThis.fetch = (input, options) => {
      seen = [bearerOf(input, options), new Headers(options?.headers ?? input.headers).get('accept')];
      return Promise.resolve(answer);
    };
    // One of each, as in an app: code that serves two managers is compiled to slower code.
    ready[name] = await peers[name](made);
    await ready[name](urls[0], init);
    if (name !== 'nothing' && seen[0] !== made.accepted) throw new Error(`${name} sends no token`);
    if (!seen[1]?.includes('application/json')) throw new Error(`${name} loses the caller’s header`);
  }
  globalThis.fetch = () => Promise.resolve(answer);
  return ready;
}
