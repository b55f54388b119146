import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { PATIENCE, managerOf, signIn } from './support.mjs';
import { dice, randomCall } from './random-calls.mjs';

const CALLS = 10_000;
const OURS = 'https://api.example';
const URLS = [`${OURS}/v1/items?page=2#top`, `${OURS}/`, 'https://other.example/x'];

/** All that a server or a cache could tell two requests by. */
async function facts(request) {
  const { method, url, mode, credentials, cache, redirect, referrer, referrerPolicy, integrity, keepalive, signal } = request;
  const body = await request.text();
  const headers = [...request.headers];
  return { method, url, headers, body, mode, credentials, cache, redirect, referrer, referrerPolicy, integrity, keepalive, aborted: signal.aborted };
}

/** What a call comes to by the standard alone, with our header; the error when it is none. */
function standard([input, init], token) {
  try {
    const request = new Request(input, init);
    const bare = request.mode === 'no-cors' || request.headers.has('authorization') || request.signal.aborted;
    if (!bare && request.url.startsWith(OURS)) request.headers.set('authorization', `Bearer ${token}`);
    return request;
  } catch (error) {
    return error;
  }
}

/** Changes whatever of a call lets itself be changed. */
function spoil([input, init]) {
  if (input instanceof URL) input.pathname = '/spoiled';
  const { headers, referrer } = Object(init);
  if (referrer instanceof URL) referrer.pathname = '/spoiled';
  for (const target of [init, headers]) {
    for (const name of ['method', 'accept', 'body', 'credentials', 'x-own', 'X-Own']) {
      try {
        if (typeof target.set === 'function') target.set(name, 'spoiled');
        else target[name] = 'spoiled';
      } catch {
        // Frozen, or nothing.
      }
    }
  }
  if (init?.body instanceof Uint8Array) init.body.fill(0);
}

test('both ways through fetch send what the standard says, on random calls', PATIENCE, async (t) => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`SEED=${seed}`);
  const { fetch } = globalThis;
  t.after(() => (globalThis.fetch = fetch));
  let quick = 0;
  let exact = 0;
  let replayed = 0;
  let sends = [];
  let answer;
  globalThis.fetch = (input, init) => {
    if (init?.headers?.Authorization && !(input instanceof Request)) quick++;
    else if (input instanceof Request && input.headers.has('authorization')) exact++;
    try {
      // As the real one: what it takes, it takes at once.
      sends.push(facts(new Request(input, init)));
    } catch (error) {
      return Promise.reject(error);
    }
    return answer;
  };
  const auth = managerOf(t, { url: OURS });
  const numbers = dice(seed);
  let pair = signIn();
  await auth.setTokens(pair);
  for (let call = 0; call < CALLS; call++) {
    const recipe = randomCall(numbers, URLS);
    const show = () => `call ${call} of SEED=${seed}: ${inspect(recipe.make(), { getters: true })}`;
    let expected;
    let args;
    try {
      expected = standard(recipe.make(), pair.access_token);
      args = recipe.make();
    } catch {
      // Not even its arguments can be made.
      continue;
    }
    sends = [];
    const again = numbers.chance(0.1);
    const former = pair;
    let settle;
    answer = again ? new Promise((resolve) => (settle = resolve)) : Promise.resolve(new Response(null, { status: 200 }));
    const pending = auth.fetch(...args).catch((error) => error);
    if (again) {
      spoil(args);
      pair = signIn();
      await auth.setTokens(pair, { session: 'same' });
      answer = Promise.resolve(new Response(null, { status: 200 }));
      settle(new Response(null, { status: 401 }));
    }
    const outcome = await pending;
    if (expected instanceof Error) {
      assert.ok(outcome instanceof Error, show());
      assert.equal(outcome.message, expected.message, show());
      continue;
    }
    assert.ok(outcome instanceof Response, `${outcome} from ${show()}`);
    const first = await facts(expected);
    assert.deepEqual(await sends[0], first, show());
    if (again && first.headers.some(([, value]) => value === `Bearer ${former.access_token}`)) {
      const withNew = ([name, value]) => [name, name === 'authorization' ? `Bearer ${pair.access_token}` : value];
      assert.deepEqual(await sends[1], { ...first, headers: first.headers.map(withNew) }, show());
      replayed++;
    } else assert.equal(sends.length, 1, show());
  }
  assert.ok(quick > CALLS / 10 && exact > CALLS / 20 && replayed > CALLS / 100, `${quick}, ${exact}, ${replayed}`);
});
