import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE, backend, managerOf, passTime, withRevokedToken } from './support.mjs';

/** Puts something in place of the global `fetch`, for the rest of the test. */
function replaceFetch(t, fetch) {
  const { fetch: native } = globalThis;
  t.after(() => (globalThis.fetch = native));
  globalThis.fetch = (...args) => fetch(native, ...args);
}

test('an abort after the token’s end rejects with its own reason, whatever that is, and refreshes nothing', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  await auth.setTokens(api.grant({ ttl: 60 }));
  api.on.set('/refresh', () => {});
  // Reasons as they are, without the network's own words for them.
  replaceFetch(
    t,
    (_, url, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  );
  const reasons = [null, 0, 'left', new TypeError('mine'), new Error('mine')];
  const controllers = reasons.map(() => new AbortController());
  const outcomes = controllers.map(({ signal }) =>
    auth.fetch(`${api.url}/a`, { signal }).then(assert.fail, (reason) => reason),
  );
  passTime(t, 61_000);
  controllers.forEach((controller, index) => controller.abort(reasons[index]));
  assert.deepEqual(await Promise.all(outcomes), reasons);
  assert.equal(auth.getSnapshot().refreshing, false);
});

test('a wrapper that throws where the native fetch rejects costs nobody the answer', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t);
  let sends = 0;
  replaceFetch(t, (native, ...args) => {
    if (++sends === 2) throw new Error('thrown');
    return native(...args);
  });
  await assert.rejects(auth.fetch(`${api.url}/a`), { message: 'thrown' });
  assert.equal(sends, 2);
});

test('an answer whose body was read beneath goes to the caller, unjudged', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api, { shouldRefresh: () => assert.fail('judged') });
  await auth.setTokens(api.grant());
  replaceFetch(t, async (native, ...args) => {
    const response = await native(...args);
    await response.text();
    return response;
  });
  const response = await auth.fetch(`${api.url}/a`);
  assert.equal(response.status, 200);
  assert.equal(response.bodyUsed, true);
});
