import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE, signIn } from './support.mjs';

const OURS = 'https://api.example';

/** How often JavaScript has called into the engine: without that nothing of it runs, and no text crosses. */
let entered = 0;
const { Instance } = WebAssembly;
WebAssembly.Instance = function (...args) {
  const { exports } = new Instance(...args);
  const counted = ([name, value]) => [name, typeof value === 'function' ? (...given) => (entered++, value(...given)) : value];
  return { exports: Object.fromEntries(Object.entries(exports).map(counted)) };
};
const { createTokenManager } = await import('../dist/index.js');

/** How many turns of the microtask queue a promise takes to settle. */
async function turns(promise) {
  let settled = false;
  promise.then(() => (settled = true));
  for (let turn = 0; ; turn++) {
    if (settled) return turn;
    await undefined;
  }
}

test('a plain request with a good token makes no Headers, no Request, one `then`, and does not call the engine', PATIENCE, async (t) => {
  const { fetch, Headers, Request } = globalThis;
  const { then } = Promise.prototype;
  const auth = createTokenManager({ refresh: `${OURS}/refresh`, attachTo: [OURS], server: 'per-request' });
  t.after(() => {
    Object.assign(globalThis, { fetch, Headers, Request });
    Promise.prototype.then = then;
    auth.dispose();
  });
  const pair = signIn();
  await auth.setTokens(pair);
  assert.ok(entered > 0);
  const sent = [];
  const answer = new Response();
  globalThis.fetch = (...args) => (sent.push(args), Promise.resolve(answer));
  const native = await turns(globalThis.fetch());
  const inits = [undefined, {}, { headers: { accept: 'text/plain' } }, { method: 'POST', body: 'text', headers: {}, cache: 'no-store' }];
  for (const input of [`${OURS}/a`, new URL(`${OURS}/a`)]) {
    for (const init of inits) {
      const made = [];
      for (const name of ['Headers', 'Request'])
        globalThis[name] = new Proxy({ Headers, Request }[name], { construct: (...args) => (made.push(name), Reflect.construct(...args)) });
      Promise.prototype.then = function (...args) {
        made.push('then');
        return then.apply(this, args);
      };
      entered = 0;
      sent.length = 0;
      const promise = auth.fetch(input, init);
      Promise.prototype.then = then;
      assert.deepEqual([made, entered, sent.length], [['then'], 0, 1]);
      assert.equal(sent[0][1].headers.Authorization, `Bearer ${pair.access_token}`);
      assert.ok((await turns(promise)) - native <= 1);
      assert.deepEqual([await promise, entered], [answer, 0]);
      Object.assign(globalThis, { Headers, Request });
    }
  }
});
