import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SessionEnded } from '../dist/index.js';
import { PATIENCE, backend, jwt, managerOf, next, passTime, signIn } from './support.mjs';

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

test('what Object.prototype has is not told to a refresh callback', PATIENCE, async (t) => {
  const api = await backend(t);
  const contexts = [];
  const refresh = (context) => {
    contexts.push(context);
    return api.grant();
  };
  const auth = managerOf(t, api, { refresh });
  await auth.setTokens({ access_token: api.grant().access_token });
  t.after(() => delete Object.prototype.refreshToken);
  Object.prototype.refreshToken = 'not ours';
  await auth.refresh({ force: true });
  assert.equal(contexts[0].refreshToken, undefined);
  assert.equal(contexts.length, 1);
});

/** A manager whose token requests get `answer` for a Response. */
async function answered(t, answer) {
  const { fetch } = globalThis;
  t.after(() => (globalThis.fetch = fetch));
  globalThis.fetch = async () => answer;
  const api = await backend(t);
  const auth = managerOf(t, api, { retries: 0 });
  globalThis.fetch = fetch;
  await auth.setTokens(api.grant());
  return auth;
}

test('a refusal without a text is a refusal', PATIENCE, async (t) => {
  const auth = await answered(t, { status: 401, ok: false, text: async () => null });
  await assert.rejects(auth.refresh({ force: true }), { code: 'session_ended' });
});

test('an answer that does not let itself be looked at is none', PATIENCE, async (t) => {
  const answer = { ok: true, text: async () => '{}' };
  Object.defineProperty(answer, 'status', {
    get() {
      throw new Error('no');
    },
  });
  const auth = await answered(t, answer);
  await assert.rejects(auth.refresh({ force: true }), { code: 'refresh_unavailable', cause: 'network' });
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
    () => {
      throw new Error('sync');
    },
    async () => {
      throw undefined;
    },
    async () => {
      throw 'text';
    },
    async () => {
      throw Object.assign(new Error('busy'), { status: 503, retryAfter: 60 });
    },
    async () => undefined,
    () => 'no object',
    async () => ({ access_token: '' }),
    async () => {
      throw new SessionEnded();
    },
  ];
  let outcome;
  const auth = managerOf(t, api, { refresh: (...args) => outcome(...args), retries: 0 });
  await auth.setTokens(api.grant());
  for (outcome of outcomes) {
    const ends = outcome === outcomes.at(-1);
    passTime(t, 3_700_000);
    await auth.setTokens(api.grant(), { session: 'same' });
    await assert.rejects(
      auth.refresh({ force: true }),
      { code: ends ? 'session_ended' : 'refresh_unavailable' },
      String(outcome),
    );
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
      const auth = managerOf(t, api, {
        refresh: () => way(auth).catch(keep),
        retries,
        retryDelay: 0.001,
        attemptTimeout: 0.2,
      });
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
  for (const way of [
    (auth) => auth.fetch(`${api.url}/token`),
    (auth) => auth.getAccessToken(),
    (auth) => auth.run(() => {}),
  ]) {
    let error;
    const auth = managerOf(t, api, {
      ...never,
      refresh: () => way(auth).catch((thrown) => Promise.reject((error = thrown))),
    });
    await auth.setTokens(api.grant({ ttl: 60 }));
    passTime(t, 61_000);
    await assert.rejects(auth.getAccessToken(), { code: 'refresh_unavailable' });
    assert.equal(error.code, 'reentrant_refresh');
  }
});

test(
  'where it asks later, that error comes with the attempt timeout, whatever retries there are',
  PATIENCE,
  async (t) => {
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
      const auth = managerOf(t, api, {
        ...long,
        refresh: () => way(auth).catch((error) => Promise.reject(ended(error))),
      });
      let ended;
      const inner = new Promise((resolve) => (ended = resolve));
      await auth.setTokens(refused ? signIn() : api.grant({ ttl: 60 }));
      passTime(t, 61_000);
      const outer = (refused ? auth.refresh({ force: true }) : auth.fetch(`${api.url}/a`)).catch((error) => error);
      assert.equal((await inner).code, 'reentrant_refresh');
      auth.dispose();
      assert.equal((await outer).code, 'disposed');
    }
  },
);

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
  assert.deepEqual(
    (await Promise.all([early, auth.fetch(`${api.url}/b`)])).map(({ status }) => status),
    [200, 200],
  );
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
      fields: {
        access: 'result.a',
        refresh: 'result.r',
        expiresIn: 'result.ms',
        expiresInUnit: 'ms',
        login: { access: 'jwt', refresh: 'renew' },
      },
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

test('whatever a callback throws, the refresh fails by a typed error and the next one works', PATIENCE, async (t) => {
  const api = await backend(t);
  const fails = () => {
    throw new Error('no look');
  };
  const closed = new Proxy({}, { get: fails, getPrototypeOf: fails, has: fails });
  const thrown = [closed, { status: 10n, retryAfter: { toString: fails } }, { retryAfter: Symbol('x') }, { status: NaN }];
  for (const error of thrown) {
    let calls = 0;
    const refresh = () => {
      if (calls++) return api.grant();
      throw error;
    };
    const auth = managerOf(t, api, { refresh, retries: 0, maxWait: 30 });
    await auth.setTokens(api.grant());
    await assert.rejects(auth.refresh({ force: true }), { code: 'refresh_unavailable', cause: 'callback' });
    await auth.refresh({ force: true });
    assert.equal(calls, 2);
  }
});

test('an element that hides document.cookie costs the CSRF value, not the refresh', PATIENCE, async (t) => {
  const api = await backend(t);
  const refresh = { url: `${api.url}/refresh`, csrf: { cookie: 'token', header: 'x-csrf' } };
  const auth = managerOf(t, api, { refresh });
  await auth.setTokens(api.grant());
  t.after(() => delete globalThis.document);
  globalThis.document = { cookie: 'a=b; token=c%20d' };
  await auth.refresh({ force: true });
  globalThis.document = { cookie: { tagName: 'IMG' } };
  await auth.refresh({ force: true });
  assert.deepEqual(
    api.to('/refresh').map(({ headers }) => headers['x-csrf']),
    ['c d', undefined],
  );
});
