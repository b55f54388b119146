import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE, backend, managerOf, passTime, withExpiredToken, withRevokedToken } from './support.mjs';

const until = async (condition) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};

test('what failed for the former user is not sent again with the next one’s token', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  let held;
  api.on.set('/a', (response) => (held = response));
  await auth.setTokens(api.grant({ sub: 'ann', ttl: 60 }));
  const pending = auth.fetch(`${api.url}/a`, { method: 'PUT', body: 'of ann' });
  await until(() => held);
  await auth.setTokens(api.grant({ sub: 'bob' }));
  passTime(t, 61_000);
  held.destroy();
  await assert.rejects(pending, TypeError);
  assert.equal(api.to('/a').length, 1);
});

/** What a listener may do right after a refresh, and what the waiting calls come to. */
const TURNS = [
  ['signs out', (auth) => auth.signOut(), 'session_ended'],
  ['signs in another user', (auth, api) => auth.setTokens(api.grant({ sub: 'bob' })), 'session_changed'],
  ['disposes', (auth) => auth.dispose(), 'disposed'],
];

for (const [name, act, code] of TURNS) {
  test(`nothing that waited is used once a listener of the refresh ${name}`, PATIENCE, async (t) => {
    const { api, auth } = await withExpiredToken(t);
    auth.on('refreshed', () => act(auth, api));
    const waiting = [
      auth.fetch(`${api.url}/a`, { method: 'POST', body: 'x' }),
      auth.getAccessToken(),
      auth.run(() => assert.fail('used')),
    ];
    await Promise.all(waiting.map((wait) => assert.rejects(wait, { code })));
    assert.equal(api.to('/a').length, 0);
  });

  test(`a 401 is not sent again once a listener of its refresh ${name}`, PATIENCE, async (t) => {
    const { api, auth } = await withRevokedToken(t);
    auth.on('refreshed', () => act(auth, api));
    let runs = 0;
    const operation = () => {
      runs++;
      return { status: 401 };
    };
    const [response, outcome] = await Promise.all([auth.fetch(`${api.url}/a`), auth.run(operation)]);
    assert.equal(response.status, 401);
    assert.equal(await response.text(), 'refused');
    assert.deepEqual(outcome, { status: 401 });
    assert.equal(runs, 1);
    assert.equal(api.to('/a').length, 1);
  });
}

test('a wait that the end of a session has settled is not joined by the next session', PATIENCE, async (t) => {
  const { api, auth } = await withExpiredToken(t);
  api.on.set('/refresh', () => {});
  const former = auth.getAccessToken({ minValidity: 3000 });
  await until(() => api.to('/refresh').length);
  // All in one turn.
  void auth.signOut();
  void auth.setTokens(api.grant({ sub: 'bob' }));
  const next = auth.getAccessToken({ minValidity: 3000 });
  await assert.rejects(former, { code: 'session_ended' });
  assert.equal(await next, auth.peek().accessToken);
});

test('a second refresh after the wait is no reason to give up', PATIENCE, async (t) => {
  const { api, auth } = await withExpiredToken(t);
  let more = true;
  auth.on('refreshed', () => {
    if (more) void auth.setTokens(api.grant(), { session: 'same' });
    more = false;
  });
  assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
  assert.equal(api.to('/a')[0].token, auth.peek().accessToken);
});

test('a request goes where it was to go at the call, whatever has changed when it has waited', PATIENCE, async (t) => {
  const { api, auth } = await withExpiredToken(t);
  const other = await backend(t);
  const { fetch } = globalThis;
  globalThis.location = { href: `${api.url}/shop/cart` };
  t.after(() => {
    globalThis.fetch = fetch;
    delete globalThis.location;
  });
  globalThis.fetch = (input, init) => fetch(new URL(input, globalThis.location.href), init);
  const url = new URL(`${api.url}/list?page=1`);
  const pending = [auth.fetch(url), auth.fetch('me', { method: 'DELETE' })];
  url.port = new URL(other.url).port;
  globalThis.location.href = `${other.url}/elsewhere/`;
  await Promise.all(pending);
  assert.deepEqual(
    api.seen.map(({ path }) => path).filter((path) => path !== '/refresh'),
    ['/list?page=1', '/shop/me'],
  );
  assert.equal(other.seen.length, 0);
});

test('a URL that names another place at each look gets the token nowhere but where it was let', PATIENCE, async (t) => {
  const api = await backend(t);
  const other = await backend(t);
  const auth = managerOf(t, api);
  await auth.setTokens(api.grant());
  let looks = 0;
  const input = { toString: () => (looks++ ? other.url : api.url) + '/a' };
  assert.equal((await auth.fetch(input)).status, 200);
  assert.equal(other.seen.length, 0);
});

test('a judgement that never comes is no; an abort does not wait for it', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t, { shouldRefresh: () => new Promise(() => {}) });
  const controller = new AbortController();
  const aborted = auth.fetch(`${api.url}/a`, { signal: controller.signal });
  await until(() => api.to('/a').length);
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(aborted, { name: 'AbortError' });
  const { setTimeout: real } = globalThis;
  t.after(() => (globalThis.setTimeout = real));
  globalThis.setTimeout = (run, ms, ...args) => real(run, ms === 10_000 ? 0 : ms, ...args);
  const response = await auth.fetch(`${api.url}/a`);
  assert.equal(response.status, 401);
  assert.equal(await response.text(), 'refused');
  assert.equal(api.to('/refresh').length, 0);
});

test('a body that never ends is not waited for either', PATIENCE, async (t) => {
  const rule = { status: 400, path: 'error', values: ['expired'] };
  const { api, auth } = await withRevokedToken(t, { unauthorized: [rule] });
  api.on.set('/a', (response) => response.writeHead(400).write('{"error":'));
  const controller = new AbortController();
  const pending = auth.fetch(`${api.url}/a`, { signal: controller.signal });
  await until(() => api.to('/a').length);
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(pending, { name: 'AbortError' });
});
