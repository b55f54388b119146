import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE, backend, jumpClock, managerOf, passTime, withExpiredToken, withRevokedToken } from './support.mjs';

test('a good token is sent, and the caller’s headers with it', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  const pair = api.grant();
  assert.equal(await auth.setTokens(pair), 'started');
  const forms = [
    [`${api.url}/a`, { headers: { 'X-Own': 'yes' } }],
    [new URL(`${api.url}/a`), { headers: [['X-Own', 'yes']] }],
    [`${api.url}/a`, { headers: new Headers({ 'X-Own': 'yes' }) }],
    [new Request(`${api.url}/a`, { headers: { 'X-Own': 'yes' } })],
    [new Request(`${api.url}/a`, { headers: { 'X-Lost': 'yes' } }), { headers: { 'X-Own': 'yes' } }],
  ];
  for (const args of forms) assert.equal((await auth.fetch(...args)).status, 200);
  for (const { headers, token } of api.to('/a')) {
    assert.equal(token, pair.access_token);
    assert.equal(headers['x-own'], 'yes');
    assert.equal(headers['x-lost'], undefined);
  }
  assert.equal(api.seen.length, forms.length);
});

test('what the caller gave is not changed', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t);
  const headers = { accept: 'text/plain' };
  const init = Object.freeze({ method: 'POST', headers: Object.freeze(headers), body: 'x' });
  const shared = new Headers(headers);
  const request = new Request(`${api.url}/a`, { headers });
  await auth.fetch(`${api.url}/a`, init);
  await auth.fetch(`${api.url}/a`, { headers: shared });
  await auth.fetch(request);
  assert.deepEqual([...shared.keys()], ['accept']);
  assert.deepEqual([...request.headers.keys()], ['accept']);
});

test('an init of any make is read as the native fetch reads it', PATIENCE, async (t) => {
  class Upload {
    #method = 'PUT';
    get method() {
      return this.#method;
    }
    body = new Uint8Array([49, 50]);
  }
  const { api, auth } = await withRevokedToken(t);
  const frozen = { method: 'PUT', body: new Uint8Array([51]) };
  Object.defineProperty(frozen, 'headers', { value: { 'X-Own': 'yes' } });
  const forms = [new Upload(), Object.freeze(frozen), Object.freeze({ method: 'PUT', body: new URLSearchParams('a=1&a=%20') })];
  for (const init of forms) assert.equal((await auth.fetch(`${api.url}/a`, init)).status, 200);
  const types = ['application/x-www-form-urlencoded;charset=UTF-8', undefined];
  const told = api.to('/a').map(({ method, body, headers }) => [method, String(body), headers['content-type'], headers['x-own']]);
  const expected = [['12', types[1]], ['12', types[1]], ['3', types[1], 'yes'], ['a=1&a=+', types[0]]];
  assert.deepEqual(told, expected.map(([body, type, own]) => ['PUT', body, type, own]));
});

test('without a session requests go out bare and their 401 passes', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  const response = await auth.fetch(`${api.url}/a`);
  assert.equal(response.status, 401);
  assert.equal(await response.text(), 'refused');
  assert.equal(api.seen.length, 1);
  assert.equal(api.seen[0].token, undefined);
});

test('what is not ours goes to the native fetch in the same turn, with the same arguments', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  await auth.setTokens(api.grant());
  const { fetch } = globalThis;
  t.after(() => (globalThis.fetch = fetch));
  const calls = [];
  const result = new Response();
  globalThis.fetch = (...args) => {
    calls.push(args);
    return Promise.resolve(result);
  };
  const url = `${api.url}/a`;
  const aborted = AbortSignal.abort();
  const cases = [
    [],
    ['https://evil.example/'],
    ['https://evil.example/', undefined],
    [`${api.url}/refresh`, { method: 'POST' }],
    [url, { headers: { AUTHORIZATION: 'Basic x' } }],
    [url, { headers: [['authorization', 'Basic x']] }],
    [url, { headers: new Headers({ authorization: 'Basic x' }) }],
    [new Request(url, { headers: { authorization: 'Basic x' } })],
    [url, { mode: 'no-cors' }],
    [new Request(url, { mode: 'no-cors' })],
    [url, { signal: aborted }],
    [new Request(url, { signal: aborted })],
    ['https://'],
    [Symbol('x')],
  ];
  for (const args of cases) {
    void auth.fetch(...args);
    const [call] = calls.splice(0);
    assert.equal(call.length, args.length);
    call.forEach((arg, at) => assert.equal(arg, args[at]));
  }
  const init = { method: 'PUT', auth: 'omit' };
  void auth.fetch(url, init);
  // With its mark, for a lane that lies beneath another library's wrapper.
  assert.deepEqual(calls, [[url, init]]);
  assert.deepEqual(init, { method: 'PUT', auth: 'omit' });
});

test('fetch looks like the native one and works on its own', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  await auth.setTokens(api.grant());
  const { fetch } = auth;
  assert.equal(fetch.name, 'fetch');
  assert.equal(fetch.length, 1);
  assert.equal((await fetch(`${api.url}/a`)).status, 200);
  assert.equal((await fetch.call(null, `${api.url}/a`)).status, 200);
  for (const args of [
    [],
    ['https://'],
    [Symbol('x')],
    [`${api.url}/a`, 5],
    [`${api.url}/a`, { method: 'GET', body: 'x' }],
  ]) {
    const expected = await globalThis.fetch(...args).catch((error) => error);
    const got = auth.fetch(...args);
    assert.ok(got instanceof Promise);
    assert.equal((await got.catch((error) => error)).message, expected.message);
  }
  const original = globalThis.fetch;
  t.after(() => (globalThis.fetch = original));
  globalThis.fetch = undefined;
  await assert.rejects(fetch(`${api.url}/a`), TypeError);
});

test(
  '100 requests with an expired token share one refresh, and none goes out with the old token',
  PATIENCE,
  async (t) => {
    const { api, auth } = await withExpiredToken(t);
    const old = auth.peek().accessToken;
    const responses = await Promise.all(Array.from({ length: 100 }, (_, n) => auth.fetch(`${api.url}/a?${n}`)));
    assert.deepEqual(new Set(responses.map(({ status }) => status)), new Set([200]));
    assert.equal(api.to('/refresh').length, 1);
    assert.ok(api.seen.every(({ token }) => token !== old));
  },
);

test('a stream goes out once: its 401 passes, with a minute of token before it', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t);
  const stream = (text) => new Blob([text]).stream();
  const init = { method: 'POST', duplex: 'half' };
  assert.equal((await auth.fetch(`${api.url}/a`, { ...init, body: stream('once') })).status, 401);
  assert.deepEqual(
    api.to('/a').map(({ body }) => String(body)),
    ['once'],
  );
  // Node alone takes these.
  const iterable = (async function* () {
    yield 'bytes';
  })();
  assert.equal((await auth.fetch(`${api.url}/c`, { ...init, body: iterable })).status, 401);
  assert.equal(api.to('/c').length, 1);
  assert.equal(api.to('/refresh').length, 0);
  await auth.setTokens(api.grant({ ttl: 100 }), { session: 'same' });
  passTime(t, 45_000);
  assert.equal((await auth.fetch(`${api.url}/b`, { ...init, body: stream('later') })).status, 200);
  assert.deepEqual(
    api.seen.map(({ path }) => path),
    ['/a', '/c', '/refresh', '/b'],
  );
});

test('a stream goes out with the token that is left when there is no better one', PATIENCE, async (t) => {
  const api = await backend(t);
  api.on.set('/refresh', (response) => response.writeHead(503).end());
  for (const [name, turn] of [['ann'], ['eve', (auth) => auth.setTokens(api.grant({ sub: 'bob' }))]]) {
    const auth = managerOf(t, api, { name, retries: 0 });
    const pair = api.grant({ sub: name });
    await auth.setTokens(pair);
    passTime(t, 550_000);
    if (turn) auth.on('refreshFailed', () => turn(auth));
    const body = new Blob(['of ', name]).stream();
    const sent = auth.fetch(`${api.url}/${name}`, { method: 'POST', body, duplex: 'half' });
    if (turn) await assert.rejects(sent, { code: 'refresh_unavailable' });
    else assert.equal((await sent).status, 200);
    assert.deepEqual(
      api.to(`/${name}`).map(({ token, body }) => [token, String(body)]),
      turn ? [] : [[pair.access_token, `of ${name}`]],
    );
  }
});

test('a used body and a stream without duplex fail as they do natively', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  await auth.setTokens(api.grant());
  const used = new Request(`${api.url}/a`, { method: 'POST', body: 'x' });
  await used.text();
  await assert.rejects(auth.fetch(used), TypeError);
  await assert.rejects(auth.fetch(`${api.url}/a`, { method: 'POST', body: new Blob(['x']).stream() }), TypeError);
  assert.equal(api.seen.length, 0);
});

test('an abort ends the caller’s wait at once with its own reason, and not the refresh', PATIENCE, async (t) => {
  const { api, auth } = await withExpiredToken(t);
  let answer;
  api.on.set('/refresh', (response) => (answer = () => api.refresh(response)));
  const reason = new Error('changed my mind');
  const controller = new AbortController();
  const url = `${api.url}/a`;
  const leaving = [
    auth.fetch(url, { signal: controller.signal }),
    auth.fetch(new Request(url, { signal: controller.signal })),
    auth.getAccessToken({ signal: controller.signal }),
    auth.refresh({ signal: controller.signal }),
  ];
  const staying = auth.fetch(url);
  while (!answer) await new Promise((resolve) => setTimeout(resolve, 5));
  controller.abort(reason);
  for (const { status, reason: got } of await Promise.allSettled(leaving)) {
    assert.equal(status, 'rejected');
    assert.equal(got, reason);
  }
  await assert.rejects(auth.getAccessToken({ signal: controller.signal }), reason);
  answer();
  assert.equal((await staying).status, 200);
  assert.equal(api.to('/a').length, 1);
  assert.equal(api.to('/refresh').length, 1);
});

test('no token can be had: nothing is sent and the caller gets a typed error', PATIENCE, async (t) => {
  const { api, auth } = await withExpiredToken(t, { retries: 0 });
  api.on.set('/refresh', (response) => response.writeHead(500).end());
  await assert.rejects(auth.fetch(`${api.url}/a`), { code: 'refresh_unavailable', transient: true, status: 500 });
  assert.equal(api.to('/a').length, 0);
});

test('the session ends while a request waits: nothing is sent, neither bare nor otherwise', PATIENCE, async (t) => {
  const { api, auth } = await withExpiredToken(t);
  api.on.set('/refresh', (response) =>
    response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}'),
  );
  await assert.rejects(auth.fetch(`${api.url}/a`), { code: 'session_ended' });
  assert.equal(api.to('/a').length, 0);
  assert.equal(auth.state, 'signedOut');
});

test('another user signs in while a request waits: it is not sent with the new user’s token', PATIENCE, async (t) => {
  const { api, auth } = await withExpiredToken(t);
  api.on.set('/refresh', () => {});
  const waiting = auth.fetch(`${api.url}/a`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const changed = assert.rejects(waiting, { code: 'session_changed' });
  await auth.setTokens(api.grant({ sub: 'bob' }));
  await changed;
  assert.equal(api.to('/a').length, 0);
});

test('an unlisted origin that answers 401 is named once, by its origin', PATIENCE, async (t) => {
  const entries = [];
  const api = await backend(t);
  const other = await backend(t);
  const auth = managerOf(t, api, { log: (entry) => entries.push(entry) });
  await auth.setTokens(api.grant());
  for (const path of ['/a?secret', '/b']) assert.equal((await auth.fetch(other.url + path)).status, 401);
  const warnings = entries.filter(({ level }) => level === 'error').map(({ message }) => message);
  assert.deepEqual(warnings, [
    `${other.url} answered 401 and is not listed in the option "attachTo": it gets no token`,
  ]);
  assert.deepEqual(auth.diagnostics().unlisted, [other.url]);
});

test('run gives an operation a token, and once more a new one', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t);
  const tokens = [];
  const operation = (token, attempt) => {
    tokens.push([token, attempt]);
    if (!api.valid.has(token)) throw Object.assign(new Error('no'), { status: 401 });
    return 'fine';
  };
  assert.equal(await auth.run(operation), 'fine');
  assert.deepEqual(
    tokens.map(([, attempt]) => attempt),
    [1, 2],
  );
  assert.notEqual(tokens[0][0], tokens[1][0]);
  const other = new Error('other');
  await assert.rejects(
    auth.run(() => Promise.reject(other)),
    other,
  );
  const runs = [];
  await auth.run((_, attempt) => runs.push(attempt), { isUnauthorized: async () => false });
  assert.deepEqual(runs, [1]);
  const isUnauthorized = (outcome) => outcome === 'again';
  assert.equal(await auth.run(() => 'again', { isUnauthorized }), 'again');
});

test('a token that is not good enough for getAccessToken is refreshed first', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  const pair = api.grant({ ttl: 100 });
  await auth.setTokens(pair);
  assert.equal(await auth.getAccessToken(), pair.access_token);
  assert.equal(await auth.getAccessToken({ minValidity: 60 }), pair.access_token);
  passTime(t, 50_000);
  assert.notEqual(await auth.getAccessToken({ minValidity: 80 }), pair.access_token);
  assert.equal(api.to('/refresh').length, 1);
});

test('nothing is decided by a jumping clock without asking the engine', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  await auth.setTokens(api.grant());
  // Two minutes by one clock only, then an hour back: the engine looks again, and the token is still good.
  jumpClock(t, 120_000);
  assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
  jumpClock(t, -3_600_000);
  assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
  assert.equal(api.to('/refresh').length, 0);
});
