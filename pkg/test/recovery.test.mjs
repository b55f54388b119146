import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE, backend, managerOf, next, passTime, withRevokedToken } from './support.mjs';

test('a 401 is refreshed once for all and every request is sent once more, byte for byte', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t);
  const form = new FormData();
  form.set('file', new Blob(['content']), 'name.txt');
  const bodies = [
    'text',
    new URLSearchParams({ a: '1 2' }),
    new Uint8Array([0, 255, 7]),
    new Uint8Array([1, 2]).buffer,
    new Blob(['blob']),
    form,
    '',
  ];
  const calls = [
    ...bodies.map((body, n) => [`${api.url}/a?${n}`, { method: 'POST', body }]),
    ...bodies.map((body, n) => [new Request(`${api.url}/b?${n}`, { method: 'PUT', body })]),
    [`${api.url}/c`, { method: 'DELETE' }],
    [new Request(`${api.url}/d`)],
    [new Request(`${api.url}/e`, { method: 'POST', body: 'old' }), { body: 'new' }],
  ];
  const responses = await Promise.all(calls.map((args) => auth.fetch(...args)));
  assert.deepEqual(new Set(responses.map(({ status }) => status)), new Set([200]));
  assert.equal(api.to('/refresh').length, 1);
  const byPath = Map.groupBy ? Map.groupBy(api.seen, ({ path }) => path) : new Map();
  for (const entry of api.seen) if (!Map.groupBy) byPath.set(entry.path, [...(byPath.get(entry.path) ?? []), entry]);
  byPath.delete('/refresh');
  assert.equal(byPath.size, calls.length);
  for (const [path, [one, two, ...more]] of byPath) {
    assert.equal(more.length, 0, path);
    assert.equal(one.method, two.method);
    assert.ok(one.body.equals(two.body), path);
    assert.equal(one.headers['content-type'], two.headers['content-type'], path);
    assert.notEqual(one.token, two.token);
  }
  assert.equal(byPath.get('/e')[1].body.toString(), 'new');
  assert.equal(byPath.get('/a?1')[1].body.toString(), 'a=1+2');
});

test('what is sent again is what was given at the call', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t);
  const bytes = new Uint8Array([1, 2, 3]);
  const params = new URLSearchParams('a=1');
  const headers = { 'x-own': 'before' };
  const init = { method: 'POST', headers, body: 'before' };
  const all = [
    auth.fetch(`${api.url}/bytes`, { method: 'POST', body: bytes }),
    auth.fetch(`${api.url}/params`, { method: 'POST', body: params }),
    auth.fetch(`${api.url}/init`, init),
  ];
  bytes.fill(9);
  params.set('a', '2');
  headers['x-own'] = init.body = 'after';
  init.method = 'DELETE';
  await Promise.all(all);
  assert.deepEqual(
    api.to('/bytes').map(({ body }) => [...body]),
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
  );
  assert.deepEqual(
    api.to('/params').map(({ body }) => String(body)),
    ['a=1', 'a=1'],
  );
  assert.deepEqual(
    api.to('/init').map(({ method, body, headers }) => [method, String(body), headers['x-own']]),
    [
      ['POST', 'before', 'before'],
      ['POST', 'before', 'before'],
    ],
  );
});

test('an API that always refuses gets two requests, and the caller the second 401', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t);
  let n = 0;
  api.on.set('/a', (response) => response.writeHead(401).end(`refused ${++n}`));
  const response = await auth.fetch(`${api.url}/a`);
  assert.equal(response.status, 401);
  assert.equal(await response.text(), 'refused 2');
  assert.equal(api.to('/a').length, 2);
  assert.equal(api.to('/refresh').length, 1);
});

test(
  'when the refresh fails the caller gets the original 401, unread, and the reason by event',
  PATIENCE,
  async (t) => {
    const { api, auth } = await withRevokedToken(t, { retries: 0 });
    api.on.set('/refresh', (response) => response.writeHead(503).end());
    const failed = next(auth, 'refreshFailed');
    const response = await auth.fetch(`${api.url}/a`, { method: 'POST', body: 'x' });
    assert.equal(response.status, 401);
    assert.equal(response.bodyUsed, false);
    assert.equal(await response.text(), 'refused');
    const { error } = await failed;
    assert.equal(error.code, 'refresh_unavailable');
    assert.equal(error.status, 503);
    assert.equal(auth.state, 'active', 'other paths may still take the token');
  },
);

test('a 401 for lack of scope is no reason to refresh', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t);
  const challenge = 'Basic realm="a, b", Bearer error="insufficient_scope", scope="x"';
  api.on.set('/a', (response) => response.writeHead(401, { 'www-authenticate': challenge }).end());
  assert.equal((await auth.fetch(`${api.url}/a`)).status, 401);
  assert.equal(api.seen.length, 1);
});

test('an abort between a 401 and the second send sends nothing more', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t);
  const controller = new AbortController();
  api.on.set('/refresh', (response) => {
    controller.abort();
    setTimeout(() => api.refresh(response), 20);
  });
  await assert.rejects(auth.fetch(`${api.url}/a`, { signal: controller.signal }), { name: 'AbortError' });
  await auth.getAccessToken();
  assert.equal(api.to('/a').length, 1);
});

test('a 401 of the former user’s request is not repeated with the new user’s token', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t);
  let answer;
  api.on.set('/a', (response) => (answer = () => response.writeHead(401).end()));
  const pending = auth.fetch(`${api.url}/a`);
  while (!answer) await new Promise((resolve) => setTimeout(resolve, 5));
  await auth.setTokens(api.grant({ sub: 'bob' }));
  answer();
  assert.equal((await pending).status, 401);
  assert.equal(api.to('/a').length, 1);
});

test('a late 401 for an older token is sent again with the current one, without a refresh', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t);
  let answer;
  api.on.set('/slow', (response, { token }) => {
    if (api.valid.has(token)) return api.api(response, { token });
    answer = () => response.writeHead(401).end();
  });
  const late = auth.fetch(`${api.url}/slow`);
  while (!answer) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
  answer();
  assert.equal((await late).status, 200);
  assert.equal(api.to('/refresh').length, 1);
});

test('a redirect to another origin loses the token, and its 401 is no reason to refresh', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t);
  const other = await backend(t);
  api.on.set('/a', (response) => response.writeHead(302, { location: `${other.url}/b` }).end());
  assert.equal((await auth.fetch(`${api.url}/a`)).status, 401);
  assert.equal(other.seen[0].token, undefined);
  assert.equal(api.to('/refresh').length, 0);
});

test('other statuses can mean a refused token, alone or with what the body says', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t, {
    unauthorized: [419, { status: 400, path: 'error.code', values: ['expired', 7] }],
  });
  const json =
    (status, body) =>
    (response, { token }) => {
      if (api.valid.has(token)) return api.api(response, { token });
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    };
  api.on.set('/401', json(401, '{}'));
  api.on.set('/other', json(400, '{"error":{"code":"missing"}}'));
  api.on.set('/broken', json(400, '{"error":'));
  api.on.set('/expired', json(400, '{"error":{"code":"expired"}}'));
  api.on.set('/419', json(419, '{}'));
  const statuses = [];
  for (const path of ['/401', '/other', '/broken']) {
    const response = await auth.fetch(api.url + path);
    statuses.push(response.status);
    assert.equal(response.bodyUsed, false);
    await response.text();
  }
  assert.deepEqual(statuses, [401, 400, 400]);
  assert.equal(api.to('/refresh').length, 0);
  assert.equal((await auth.fetch(`${api.url}/expired`)).status, 200);
  assert.equal(api.to('/refresh').length, 1);
});

test('shouldRefresh decides instead, on a copy; one that throws means no', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t, {
    shouldRefresh: async (response) => {
      const text = await response.text();
      if (text === 'throw') throw new Error('no');
      return text === 'again';
    },
  });
  api.on.set('/throw', (response) => response.end('throw'));
  api.on.set('/again', (response, { token }) => response.end(api.valid.has(token) ? 'done' : 'again'));
  assert.equal(await (await auth.fetch(`${api.url}/throw`)).text(), 'throw');
  assert.equal(await (await auth.fetch(`${api.url}/a`)).text(), 'refused');
  assert.equal(await (await auth.fetch(`${api.url}/again`)).text(), 'done');
  assert.equal(api.to('/refresh').length, 1);
});

test(
  'a failure that may hide a 401 is tried once more when the token was over and the method allows it',
  PATIENCE,
  async (t) => {
    const api = await backend(t);
    const auth = managerOf(t, api);
    await auth.setTokens(api.grant({ ttl: 60 }));
    let held;
    for (const path of ['/get', '/post']) api.on.set(path, (response, entry) => (held = [response, entry]));
    const outcome = async (path, init) => {
      held = undefined;
      const pending = auth.fetch(api.url + path, init);
      while (!held) await new Promise((resolve) => setTimeout(resolve, 5));
      return [pending, held[0]];
    };
    const [fresh, first] = await outcome('/get');
    first.destroy();
    await assert.rejects(fresh, TypeError);
    assert.equal(api.to('/refresh').length, 0);
    const [pending, second] = await outcome('/get');
    const [post, third] = await outcome('/post', { method: 'POST', body: 'x' });
    passTime(t, 61_000);
    api.on.delete('/get');
    third.destroy();
    await assert.rejects(post, TypeError);
    second.destroy();
    assert.equal((await pending).status, 200);
    assert.equal(api.to('/refresh').length, 1);
    assert.equal(api.to('/post').length, 1);
  },
);

test(
  'with the access token in a cookie nothing is attached, and a 401 is refreshed and sent again',
  PATIENCE,
  async (t) => {
    const { api, auth } = await withRevokedToken(t, { accessIn: 'cookie' });
    let n = 0;
    api.on.set('/a', (response) => response.writeHead(n++ ? 200 : 401).end());
    assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
    assert.deepEqual(
      api.to('/a').map(({ token }) => token),
      [undefined, undefined],
    );
    passTime(t, 601_000);
    await auth.fetch(`${api.url}/waits`);
    assert.equal(api.to('/refresh').length, 2);
    assert.equal(api.to('/waits')[0].headers.authorization, undefined);
    await assert.rejects(auth.getAccessToken(), { code: 'configuration' });
    assert.equal(auth.peek(), undefined);
  },
);

test('a 401 that is only a test’s idea of a response is refreshed and sent again', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t, { retry: { attempts: 1 } });
  const { fetch } = globalThis;
  t.after(() => (globalThis.fetch = fetch));
  for (const double of [{}, { headers: {} }, { headers: new Map(), body: { error: 'expired' } }]) {
    for (const status of [401, 503]) {
      const answers = [{ ...double, status }, { status: 200 }];
      globalThis.fetch = (input, init) =>
        String(input).endsWith('/refresh') ? fetch(input, init) : Promise.resolve(answers.shift());
      assert.deepEqual(await auth.fetch(`${api.url}/a`), { status: 200 });
      passTime(t, 3_000);
    }
  }
});

test('the body of a 401 that nobody will read is let go; that of one for the caller is not', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  await auth.setTokens(api.grant());
  passTime(t, 3_000);
  const { fetch } = globalThis;
  t.after(() => (globalThis.fetch = fetch));
  const dropped = [];
  const answer = (status, name) => new Response(new ReadableStream({ cancel: () => dropped.push(name) }), { status });
  const answers = [answer(401, 'first'), answer(401, 'second')];
  globalThis.fetch = (input, init) =>
    String(input).endsWith('/refresh') ? fetch(input, init) : Promise.resolve(answers.shift());
  const response = await auth.fetch(`${api.url}/a`);
  assert.equal(response.status, 401);
  assert.deepEqual(dropped, ['first']);
  await response.body.cancel();
  assert.deepEqual(dropped, ['first', 'second']);
});

test('the copy of a body is let go once it is not needed', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  await auth.setTokens(api.grant());
  const { clone } = Request.prototype;
  t.after(() => (Request.prototype.clone = clone));
  const copies = [];
  Request.prototype.clone = function () {
    copies.push(clone.call(this));
    return copies.at(-1);
  };
  await auth.fetch(`${api.url}/a`, { method: 'POST', body: new Uint8Array(10) });
  await auth.fetch(`${api.url}/a`, { headers: new Headers() });
  await auth.fetch(`${api.url}/a`, { method: 'POST', body: 'text' });
  assert.equal(copies.length, 1);
  assert.equal(copies[0].bodyUsed, true);
});

test('refreshes that do not help become rare', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t);
  api.on.set('/a', (response) => response.writeHead(401).end());
  for (let n = 0; n < 10; n++) {
    assert.equal((await auth.fetch(`${api.url}/a`)).status, 401);
    passTime(t, 3_000);
  }
  assert.ok(api.to('/refresh').length <= 4, `${api.to('/refresh').length} refreshes`);
});

test('a relative URL means the second time what it meant at the call', PATIENCE, async (t) => {
  const { api, auth } = await withRevokedToken(t);
  const { fetch } = globalThis;
  Object.assign(globalThis, { location: { href: `${api.url}/shop/cart` } });
  t.after(() => {
    globalThis.fetch = fetch;
    delete globalThis.location;
  });
  globalThis.fetch = (input, init) => fetch(new URL(input, globalThis.location.href), init);
  api.on.set('/refresh', (response) => {
    globalThis.location.href = `${api.url}/elsewhere/`;
    api.refresh(response);
  });
  assert.equal((await auth.fetch('me')).status, 200);
  assert.equal(api.to('/shop/me').length, 2);
});

test('an abort before the wait for a refresh ends it as well', PATIENCE, async (t) => {
  const controller = new AbortController();
  const shouldRefresh = () => {
    controller.abort();
    return true;
  };
  const { api, auth } = await withRevokedToken(t, { shouldRefresh });
  api.on.set('/refresh', () => {});
  await assert.rejects(auth.fetch(`${api.url}/a`, { signal: controller.signal }), { name: 'AbortError' });
});
