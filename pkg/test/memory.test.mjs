import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PATIENCE, backend, managerOf, signIn } from './support.mjs';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

function bytesHeld() {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test('pictures that a page fetches from data: URLs are not kept', PATIENCE, async (t) => {
  const { fetch } = globalThis;
  t.after(() => (globalThis.fetch = fetch));
  globalThis.fetch = async () => new Response();
  const auth = managerOf(t, { url: 'https://api.example' });
  await auth.setTokens(signIn());
  const before = bytesHeld();
  for (let picture = 0; picture < 50; picture++)
    await auth.fetch(`data:image/png;base64,${picture}${Buffer.alloc(1e6, 'A').toString('latin1')}`);
  const kept = bytesHeld() - before;
  assert.ok(kept < 20e6, `${kept} bytes of 50 MB`);
});

test('no second copy of a body is held for a request that turns out to be nobody’s', PATIENCE, async (t) => {
  const { clone } = Request.prototype;
  t.after(() => (Request.prototype.clone = clone));
  const spares = [];
  Request.prototype.clone = function () {
    spares.push(clone.call(this));
    return spares.at(-1);
  };
  let answer;
  const store = { get: () => new Promise((resolve) => (answer = resolve)), set() {}, remove() {} };
  const api = await backend(t);
  const auth = managerOf(t, api, { store });
  const pending = auth.fetch(`${api.url}/a`, { method: 'POST', body: new Uint8Array(1000) });
  assert.equal(spares.length, 1);
  while (!answer) await new Promise((resolve) => setTimeout(resolve, 5));
  answer(null);
  assert.equal((await pending).status, 401);
  assert.equal(api.to('/a')[0].body.length, 1000);
  assert.equal((await spares[0].body.getReader().read()).done, true);
});
