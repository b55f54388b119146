import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SessionEnded, createTokenManager, local, memory, session } from '../dist/index.js';
import { PATIENCE, backend, jwt, managerOf, next, passTime, signIn } from './support.mjs';

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Web storage as pages have it. */
function fakeStorage(t, name, texts = new Map()) {
  const storage = {
    getItem: (key) => texts.get(key) ?? null,
    setItem: (key, text) => void texts.set(key, text),
    removeItem: (key) => void texts.delete(key),
  };
  Object.defineProperty(globalThis, name, { configurable: true, get: () => storage });
  t.after(() => delete globalThis[name]);
  return texts;
}

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
  assert.deepEqual(all.map(({ type }) => type), ['sessionStarted', 'refreshed', 'refreshed', 'sessionEnded']);
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
  assert.deepEqual(results.filter((result) => typeof result === 'number'), [200, 200]);
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
  assert.deepEqual(failures.map(({ exhausted }) => exhausted), [false, true]);
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
  await assert.rejects(auth.setTokens({ access_token: 'opaque', token_type: 'mac' }), { code: 'unsupported_token_type' });
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
  const open = [auth.getAccessToken(), auth.fetch(`${api.url}/a`), auth.refresh({ force: true }), fetch(`${api.url}/a`)];
  const settled = Promise.all(open.map((call) => assert.rejects(call, disposed)));
  await turn();
  auth.on('*', () => assert.fail('event'));
  auth.dispose();
  auth.dispose();
  await settled;
  assert.equal(globalThis.fetch, original);
  for (const call of [auth.getAccessToken(), auth.setTokens(signIn()), auth.signOut(), auth.refresh(), auth.fetch(`${api.url}/a`), auth.run(() => 1)]) {
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

test('a manager starts from what the store has; another name sees nothing of it', PATIENCE, async (t) => {
  const api = await backend(t);
  const store = memory();
  const first = managerOf(t, api, { store });
  const pair = api.grant();
  await first.setTokens(pair);
  assert.match(await store.get('evertoken:default'), /"schema"/);
  first.dispose();
  assert.equal(managerOf(t, api, { store, name: 'other' }).state, 'signedOut');
  const second = managerOf(t, api, { store });
  assert.equal(second.state, 'active');
  assert.equal(await second.getAccessToken(), pair.access_token);
  assert.equal(api.seen.length, 0);
});

test('requests wait for a store that takes its time', PATIENCE, async (t) => {
  const api = await backend(t);
  const inner = memory();
  const slow = (run) => async (...args) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return run(...args);
  };
  const store = { get: slow(inner.get), set: slow(inner.set), remove: slow(inner.remove) };
  const first = managerOf(t, api, { store });
  const bare = first.fetch(`${api.url}/a`);
  assert.equal(first.state, 'restoring');
  assert.equal((await bare).status, 401);
  await first.setTokens(api.grant());
  first.dispose();
  const second = managerOf(t, api, { store });
  assert.equal((await second.fetch(`${api.url}/a`)).status, 200);
});

for (const [name, make] of [['localStorage', local], ['sessionStorage', session]]) {
  test(`${make.name}() keeps the session in ${name}, looked up at each use`, PATIENCE, async (t) => {
    const api = await backend(t);
    const store = make();
    const texts = fakeStorage(t, name);
    const auth = managerOf(t, api, { store, name: 'shop' });
    await auth.setTokens(api.grant());
    assert.deepEqual([...texts.keys()], ['evertoken:shop']);
  });
}

test('storage that throws or is missing costs durability, not the session, and is told once', PATIENCE, async (t) => {
  const api = await backend(t);
  const get = () => {
    throw new DOMException('denied', 'SecurityError');
  };
  Object.defineProperty(globalThis, 'localStorage', { configurable: true, get });
  Object.defineProperty(globalThis, 'sessionStorage', { configurable: true, value: null });
  t.after(() => {
    delete globalThis.localStorage;
    delete globalThis.sessionStorage;
  });
  for (const store of [local(), session(), { get, set: get, remove: get }, { get: async () => get(), set: async () => get(), remove: get }]) {
    const auth = managerOf(t, api, { store });
    let failures = 0;
    auth.on('persistFailed', () => failures++);
    await auth.setTokens(api.grant());
    await auth.refresh({ force: true });
    assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
    await turn();
    assert.equal(failures, 1);
  }
});

test('what an app kept before is taken over once, and then removed there', PATIENCE, async (t) => {
  const api = await backend(t);
  const pair = api.grant();
  const old = [['access', pair.access_token], ['refresh', pair.refresh_token], ['other', 'stays']];
  for (const name of ['localStorage', 'sessionStorage']) {
    fakeStorage(t, 'localStorage');
    const texts = fakeStorage(t, name, new Map(old));
    const store = memory();
    const auth = managerOf(t, api, { store, adoptFrom: { access: 'access', refresh: 'refresh' } });
    // Before anybody can ask.
    assert.equal(auth.state, 'active');
    assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
    await turn();
    assert.deepEqual([...texts], [['other', 'stays']]);
    auth.dispose();
    for (const [key, text] of old) texts.set(key, text);
    const again = managerOf(t, api, { store, adoptFrom: { access: 'access', refresh: 'refresh' } });
    await turn();
    assert.equal(again.state, 'active');
    assert.equal(texts.size, 3);
    delete globalThis[name];
  }
});

test('what an app kept before is taken over from a slow store as soon as it has answered', PATIENCE, async (t) => {
  const api = await backend(t);
  fakeStorage(t, 'localStorage', new Map([['access', api.grant().access_token]]));
  const store = { ...memory(), get: () => new Promise((resolve) => setTimeout(resolve, 20)) };
  const auth = managerOf(t, api, { store, adoptFrom: { access: 'access' } });
  await next(auth, 'sessionStarted');
  assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
});

test('a refresh callback gets what it needs, and its answer is taken', PATIENCE, async (t) => {
  const api = await backend(t);
  const contexts = [];
  const pair = api.grant();
  const auth = managerOf(t, api, {
    refresh: async (context) => {
      contexts.push(context);
      return (await context.fetch(`${api.url}/refresh`)).json();
    },
  });
  await auth.setTokens(pair);
  await auth.refresh({ force: true });
  const [{ refreshToken, accessToken, attempt, reason, signal, fetch, ...rest }] = contexts;
  assert.deepEqual([refreshToken, accessToken, attempt, reason], [pair.refresh_token, pair.access_token, 1, 'asked']);
  assert.ok(signal instanceof AbortSignal);
  assert.deepEqual(rest, {});
  assert.equal(api.seen[0].token, undefined);
  assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
});

test('a refresh callback ends the session by SessionEnded; anything else is a passing failure', PATIENCE, async (t) => {
  const api = await backend(t);
  const outcomes = [
    () => { throw new Error('sync'); },
    async () => { throw undefined; },
    async () => { throw 'text'; },
    async () => { throw Object.assign(new Error('busy'), { status: 503, retryAfter: 60 }); },
    async () => undefined,
    () => 'no object',
    async () => ({ access_token: '' }),
    async () => { throw new SessionEnded(); },
  ];
  let outcome;
  const auth = managerOf(t, api, { refresh: (...args) => outcome(...args), retries: 0 });
  await auth.setTokens(api.grant());
  for (outcome of outcomes) {
    const ends = outcome === outcomes.at(-1);
    passTime(t, 3_700_000);
    await auth.setTokens(api.grant(), { session: 'same' });
    await assert.rejects(auth.refresh({ force: true }), { code: ends ? 'session_ended' : 'refresh_unavailable' }, String(outcome));
  }
  const { retryAt } = await auth.setTokens(api.grant()).then(async () => {
    outcome = outcomes[3];
    return auth.refresh({ force: true }).catch((error) => error);
  });
  assert.ok(retryAt - Date.now() > 50_000);
});

test('a callback that waits for its own refresh ends with an error that names ctx.fetch', PATIENCE, async (t) => {
  const api = await backend(t);
  const errors = [];
  const keep = (error) => {
    errors.push(error);
    throw error;
  };
  const ways = [
    (auth) => auth.fetch(`${api.url}/token`),
    (auth) => Promise.resolve().then(() => auth.fetch(`${api.url}/token`)),
    (auth) => auth.getAccessToken(),
    (auth) => turn().then(() => auth.refresh({ force: true })),
  ];
  for (const way of ways) {
    for (const retries of [0, 1]) {
      const auth = managerOf(t, api, { refresh: () => way(auth).catch(keep), retries, retryDelay: 0.001, attemptTimeout: 0.2 });
      await auth.setTokens(api.grant({ ttl: 60 }));
      passTime(t, 61_000);
      errors.length = 0;
      await assert.rejects(auth.fetch(`${api.url}/a`), { transient: true });
      assert.equal(errors[0].code, 'reentrant_refresh', String(way));
      assert.match(errors[0].message, /ctx\.fetch/);
      auth.dispose();
    }
  }
  assert.equal(api.seen.length, 0);
});

test('where the callback asks in its first turn, that error comes at once', PATIENCE, async (t) => {
  const api = await backend(t);
  const never = { retries: 0, attemptTimeout: 1e6, maxWait: 1e6 };
  for (const way of [(auth) => auth.fetch(`${api.url}/token`), (auth) => auth.getAccessToken(), (auth) => auth.run(() => {})]) {
    let error;
    const auth = managerOf(t, api, { ...never, refresh: () => way(auth).catch((thrown) => Promise.reject((error = thrown))) });
    await auth.setTokens(api.grant({ ttl: 60 }));
    passTime(t, 61_000);
    await assert.rejects(auth.getAccessToken(), { code: 'refresh_unavailable' });
    assert.equal(error.code, 'reentrant_refresh');
  }
});

test('where it asks later, that error comes with the attempt timeout, whatever retries there are', PATIENCE, async (t) => {
  const api = await backend(t);
  const long = { retries: 3, retryDelay: 1e5, retryCap: 1e5, maxWait: 1e6, attemptTimeout: 0.1 };
  const ways = [
    (auth) => turn().then(() => auth.fetch(`${api.url}/token`)),
    (auth) => turn().then(() => auth.getAccessToken()),
    // The token looks good and is refused: the wait begins with the 401.
    (auth) => turn().then(() => auth.fetch(`${api.url}/token`)),
  ];
  for (const way of ways) {
    const refused = way === ways.at(-1);
    const auth = managerOf(t, api, { ...long, refresh: () => way(auth).catch((error) => Promise.reject(ended(error))) });
    let ended;
    const inner = new Promise((resolve) => (ended = resolve));
    await auth.setTokens(refused ? signIn() : api.grant({ ttl: 60 }));
    passTime(t, 61_000);
    const outer = (refused ? auth.refresh({ force: true }) : auth.fetch(`${api.url}/a`)).catch((error) => error);
    assert.equal((await inner).code, 'reentrant_refresh');
    auth.dispose();
    assert.equal((await outer).code, 'disposed');
  }
});

test('others do not suffer from a callback that is only slow', PATIENCE, async (t) => {
  const api = await backend(t);
  let answers = 0;
  const auth = managerOf(t, api, {
    refresh: async ({ fetch }) => {
      const response = await fetch(`${api.url}/refresh`);
      return response.json();
    },
    retryDelay: 0.001,
    attemptTimeout: 0.2,
  });
  api.on.set('/refresh', (response) => answers++ && api.refresh(response));
  await auth.setTokens(api.grant({ ttl: 60 }));
  passTime(t, 61_000);
  const early = auth.fetch(`${api.url}/a`);
  while (!answers) await turn();
  assert.deepEqual((await Promise.all([early, auth.fetch(`${api.url}/b`)])).map(({ status }) => status), [200, 200]);
});

test('a token endpoint is told as described', PATIENCE, async (t) => {
  const api = await backend(t);
  Object.assign(globalThis, { document: undefined });
  delete globalThis.document;
  const pair = api.grant();
  const auth = managerOf(t, api, {
    refresh: {
      url: `${api.url}/refresh`,
      method: 'PUT',
      format: 'form',
      clientId: 'spa',
      params: { scope: 'a b' },
      headers: { 'X-Tenant': '7' },
      tokenIn: { body: 'token' },
      sendAccessToken: true,
      fields: { access: 'result.a', refresh: 'result.r', expiresIn: 'result.ms', expiresInUnit: 'ms', login: { access: 'jwt', refresh: 'renew' } },
      revoke: { url: `${api.url}/revoke`, tokenField: 'gone', params: { why: 'out' }, headers: { 'X-Tenant': '8' } },
    },
  });
  await auth.setTokens({ jwt: pair.access_token, renew: pair.refresh_token });
  const renewed = jwt();
  api.on.set('/refresh', (response) => response.end(JSON.stringify({ result: { a: renewed, r: 'next', ms: 90_000 } })));
  await auth.refresh({ force: true });
  const { method, headers, body } = api.to('/refresh')[0];
  assert.equal(method, 'PUT');
  assert.equal(headers['x-tenant'], '7');
  assert.equal(headers.authorization, `Bearer ${pair.access_token}`);
  const form = { grant_type: 'refresh_token', token: pair.refresh_token, client_id: 'spa', scope: 'a b' };
  assert.deepEqual(Object.fromEntries(new URLSearchParams(String(body))), form);
  const { accessToken, expiresAt } = auth.peek();
  assert.equal(accessToken, renewed);
  assert.ok(Math.abs(expiresAt - Date.now() - 90_000) < 5_000);
  await auth.signOut();
  while (!api.to('/revoke').length) await turn();
  const revoked = api.to('/revoke')[0];
  assert.equal(revoked.headers['x-tenant'], '8');
  assert.deepEqual(JSON.parse(revoked.body), { gone: 'next', why: 'out' });
});

test('signing out does not revoke when told so', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api, { refresh: { url: `${api.url}/refresh`, revoke: { url: `${api.url}/revoke` } } });
  await auth.setTokens(api.grant());
  await auth.signOut({ revoke: false });
  await turn();
  assert.equal(api.seen.length, 0);
});

test('log levels are thresholds, and off is off', PATIENCE, async (t) => {
  const api = await backend(t);
  const lines = [];
  for (const level of ['debug', 'info', 'warn']) t.mock.method(console, level, (line) => lines.push(`${level} ${line}`));
  for (const log of ['off', 'error', 'info', 'debug']) {
    const auth = managerOf(t, api, { log });
    await auth.setTokens(api.grant());
    lines.push(log);
  }
  assert.deepEqual(lines, ['off', 'error', 'info evertoken: sessionStarted', 'info', 'info evertoken: sessionStarted', 'debug']);
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
