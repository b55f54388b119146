import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokenManager } from '../dist/index.js';
import { PATIENCE, backend, managerOf, next, passTime, signIn } from './support.mjs';

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

test('the snapshot is the same object until something that shows has changed', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  let changes = 0;
  const off = auth.subscribe(() => changes++);
  const before = auth.getSnapshot();
  await auth.fetch(`${api.url}/a`);
  assert.equal(auth.getSnapshot(), before);
  assert.equal(changes, 0);
  await auth.setTokens(api.grant());
  const active = auth.getSnapshot();
  assert.deepEqual([active.state, active.generation, active.subject], ['active', 1, 'ada']);
  assert.ok(Object.isFrozen(active));
  assert.ok(changes > 0);
  for (let n = 0; n < 50; n++) await auth.fetch(`${api.url}/a`);
  assert.equal(auth.getSnapshot(), active);
  off();
  const told = changes;
  await auth.signOut();
  assert.equal(changes, told);
  assert.equal(auth.state, 'signedOut');
});

test('events come in order, to their listeners and to those of all events', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  const all = [];
  const refreshed = [];
  auth.on('*', (event) => all.push(event));
  const off = auth.on('refreshed', (event) => refreshed.push(event));
  await auth.setTokens(api.grant());
  await auth.refresh({ force: true });
  off();
  off();
  await auth.refresh({ force: true });
  await auth.signOut();
  assert.deepEqual(
    all.map(({ type }) => type),
    ['sessionStarted', 'refreshed', 'refreshed', 'sessionEnded'],
  );
  assert.equal(refreshed.length, 1);
  assert.deepEqual(refreshed[0].extras, { user: { id: 7 } });
  assert.deepEqual(Object.keys(all[3]), ['type', 'reason']);
  assert.equal(all[3].reason, 'signed_out');
});

test('a listener may call anything, throw, or never end', PATIENCE, async (t) => {
  const reported = [];
  t.mock.method(console, 'error', (error) => reported.push(error));
  const api = await backend(t);
  const auth = managerOf(t, api);
  const results = [];
  const error = new Error('of the app');
  auth.on('*', async () => results.push(await auth.getAccessToken(), (await auth.fetch(`${api.url}/a`)).status));
  auth.on('refreshed', () => {
    throw error;
  });
  auth.subscribe(() => {
    throw error;
  });
  auth.on('refreshed', () => new Promise(() => {}));
  const last = next(auth, 'refreshed');
  await auth.setTokens(api.grant());
  await auth.refresh({ force: true });
  await last;
  while (results.length < 4) await turn();
  assert.deepEqual(
    results.filter((result) => typeof result === 'number'),
    [200, 200],
  );
  assert.ok(reported.length > 1 && reported.every((one) => one === error));
});

test('a failed refresh tells why, and when it goes on', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api, { retries: 1, retryDelay: 0.001 });
  await auth.setTokens(api.grant());
  api.on.set('/refresh', (response) => response.writeHead(503).end());
  const scheduled = next(auth, 'retryScheduled');
  const failures = [];
  auth.on('refreshFailed', (event) => failures.push(event));
  await assert.rejects(auth.refresh({ force: true }), { name: 'RefreshUnavailableError', status: 503 });
  assert.equal((await scheduled).attempt, 2);
  await turn();
  assert.deepEqual(
    failures.map(({ exhausted }) => exhausted),
    [false, true],
  );
  for (const { error } of failures) {
    assert.deepEqual([error.name, error.cause, error.status], ['RefreshUnavailableError', 'server_error', 503]);
  }
  assert.ok(failures[1].nextRetryAt > Date.now());
});

test('setTokens says what it did with what it got', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  const pair = api.grant();
  assert.equal(await auth.setTokens(pair), 'started');
  assert.equal(await auth.setTokens(pair), 'unchanged');
  assert.equal(await auth.setTokens(api.grant(), { session: 'same' }), 'updated');
  assert.equal(await auth.setTokens(api.grant({ sub: 'bob' })), 'started');
  await assert.rejects(auth.setTokens({ token: 'x' }), { code: 'bad_token_response' });
  await assert.rejects(auth.setTokens({ access_token: 'opaque', token_type: 'mac' }), {
    code: 'unsupported_token_type',
  });
  const circular = {};
  circular.self = circular;
  await assert.rejects(auth.setTokens(circular), TypeError);
  assert.equal(auth.getSnapshot().subject, 'bob');
});

test('peek shows what is held without asking anybody', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  assert.equal(auth.peek(), undefined);
  const pair = api.grant({ ttl: 60 });
  await auth.setTokens(pair);
  const held = auth.peek();
  assert.equal(held.accessToken, pair.access_token);
  assert.equal(held.generation, 1);
  assert.ok(Math.abs(held.expiresAt - Date.now() - 60_000) < 5_000);
  passTime(t, 61_000);
  assert.equal(auth.peek().accessToken, pair.access_token);
  assert.equal(api.seen.length, 0);
});

test('a disposed manager settles what waits, calls nobody, and sends nothing bare', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  const original = globalThis.fetch;
  await auth.setTokens(api.grant({ ttl: 60 }));
  api.on.set('/refresh', () => {});
  passTime(t, 61_000);
  auth.intercept();
  const disposed = { name: 'DisposedError', code: 'disposed' };
  const open = [
    auth.getAccessToken(),
    auth.fetch(`${api.url}/a`),
    auth.refresh({ force: true }),
    fetch(`${api.url}/a`),
  ];
  const settled = Promise.all(open.map((call) => assert.rejects(call, disposed)));
  await turn();
  auth.on('*', () => assert.fail('event'));
  auth.dispose();
  auth.dispose();
  await settled;
  assert.equal(globalThis.fetch, original);
  for (const call of [
    auth.getAccessToken(),
    auth.setTokens(signIn()),
    auth.signOut(),
    auth.refresh(),
    auth.fetch(`${api.url}/a`),
    auth.run(() => 1),
  ]) {
    await assert.rejects(call, disposed);
  }
  auth.start();
  auth.stop();
  assert.equal(auth.peek(), undefined);
  assert.equal(api.to('/a').length, 0);
  const out = managerOf(t, api);
  out.dispose();
  await assert.rejects(out.fetch(`${api.url}/a`), disposed);
  if (Symbol.dispose) assert.equal(typeof auth[Symbol.dispose], 'function');
});

test('after stop nothing is refreshed ahead of time, and start makes up for it', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api, { lead: 1e6 });
  // 40 % of the life before its end: at once.
  await auth.setTokens(api.grant({ ttl: 600 }));
  auth.stop();
  assert.equal(auth.getSnapshot().refreshAt, undefined);
  auth.start();
  assert.ok(auth.getSnapshot().refreshAt > Date.now());
});

test('log levels are thresholds, and off is off', PATIENCE, async (t) => {
  const api = await backend(t);
  const lines = [];
  for (const level of ['debug', 'info', 'warn'])
    t.mock.method(console, level, (line) => lines.push(`${level} ${line}`));
  for (const log of ['off', 'error', 'info']) {
    const auth = managerOf(t, api, { log });
    await auth.setTokens(api.grant());
    lines.push(log);
  }
  assert.deepEqual(lines, [
    'off',
    'error',
    'info evertoken: sessionStarted',
    'info',
  ]);
});

test('managers are independent', PATIENCE, async (t) => {
  const api = await backend(t);
  const [one, two] = [managerOf(t, api), managerOf(t, api)];
  await one.setTokens(api.grant());
  assert.equal(two.state, 'signedOut');
  one.dispose();
  await two.setTokens(api.grant());
  assert.equal((await two.fetch(`${api.url}/a`)).status, 200);
  assert.equal(createTokenManager({ refresh: null }).state, 'signedOut');
});
