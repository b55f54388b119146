import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PATIENCE, managerOf, signIn } from './support.mjs';

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
