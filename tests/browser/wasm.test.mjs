// The wasm's own exports, without the facade.

import assert from 'node:assert/strict';
import { claimsOf } from './harness/server.mjs';
import { world } from './harness/world.mjs';

const test = world();

/** Puts `engine` and what it told into the page's globals. */
async function withEngine(page, setUp = { 'refresh.kind': 'endpoint' }) {
  await page.open();
  await page.run(async (options) => {
    const { instantiate } = await import('/evertoken/wasm/glue.js');
    const module = await WebAssembly.compileStreaming(fetch('/evertoken/wasm/evertoken.wasm'));
    window.bindings = instantiate(module, (exports) => exports);
    window.told = [];
    window.held = {};
    const calls = new Map();
    let last = 0;
    let stored;
    const host = {
      verdict: (scheme, bearer, generation) => (held = { scheme, bearer, generation }),
      snapshot: (snapshot) => (told.push(['snapshot', snapshot]), watch.say(snapshot)),
      event: (event) => (told.push(['event', event.type]), watch.say(event)),
      settle(call, told) {
        const { resolve, reject } = calls.get(call);
        calls.delete(call);
        watch.say(told);
        typeof told === 'string' ? resolve(told) : reject(told);
      },
      read: (op) => engine.storeRead(op, true, stored),
      write(op, text) {
        stored = text;
        engine.storeWritten(op, true);
      },
      async send(attempt, url, init, headers) {
        const response = await fetch(url, { ...init, headers });
        engine.answered(attempt, response.status, await response.text(), response.headers);
      },
    };
    options['refresh.url'] = `${location.origin}/auth/refresh`;
    window.engine = new bindings.TokenManager(JSON.stringify(options), host);
    engine.restore();
    /** Makes a call of the engine and waits for its answer. */
    window.call = (method, ...args) =>
      new Promise((resolve, reject) => {
        calls.set(++last, { resolve, reject });
        engine[method](last, ...args);
      });
  }, setUp);
}

test('1,000 concurrent fetches with an expired token share one refresh', async ({ page, server }) => {
  await withEngine(page);
  const outcome = await page.run(async () => {
    const answer = await kit.oldLogin();
    const started = call('setTokens', JSON.stringify(answer), 'auto');
    const sent = Array.from({ length: 1000 }, (_, n) => engine.fetch(`/api/me?n=${n}`, undefined).then(({ status }) => status));
    const counts = {};
    for (const status of await Promise.all(sent)) counts[status] = (counts[status] ?? 0) + 1;
    return { started: await started, counts, events: told.filter(([kind]) => kind === 'event').map(([, type]) => type) };
  });
  assert.deepEqual(outcome, { started: 'started', counts: { 200: 1000 }, events: ['sessionStarted', 'refreshed'] });
  const { refreshes, api } = await server.ledger();
  assert.equal(refreshes, 1);
  assert.deepEqual(api, { ok: 1000, unauthorized: 0 });
});

test('a 401 is refreshed and replayed with the same body', async ({ page, server }) => {
  await withEngine(page);
  const token = await page.run(async () => {
    const answer = await kit.login();
    await call('setTokens', JSON.stringify(answer), 'auto');
    await watch.sleep(2200);
    return answer.access_token;
  });
  await server.expireAccess(token);
  const outcome = await page.run(async () => {
    const init = { method: 'PUT', body: new Blob(['the body']), headers: { 'X-Mark': 'kept' } };
    const answers = await Promise.all([engine.fetch('/api/echo', init), engine.fetch(new Request('/api/echo', init), undefined)]);
    const echoes = await Promise.all(answers.map((answer) => answer.json()));
    return answers.map(({ status }, at) => [status, echoes[at].method, atob(echoes[at].body_base64), echoes[at].headers['x-mark']]);
  });
  assert.deepEqual(outcome, Array(2).fill([200, 'PUT', 'the body', 'kept']));
  const { refreshes, api } = await server.ledger();
  assert.equal(refreshes, 1);
  assert.deepEqual(api, { ok: 2, unauthorized: 2 });
});

test('need and refresh settle by call, and without a session with an error', async ({ page, server }) => {
  await withEngine(page);
  const outcome = await page.run(async () => {
    const without = await call('need', 0).catch(({ code }) => code);
    await call('setTokens', JSON.stringify(await kit.login()), 'new');
    const first = held.generation;
    await Promise.all([call('refresh', true), call('refresh', true), call('need', 0)]);
    const second = held.generation;
    await call('signOut', false);
    const bare = (await engine.fetch('/api/me', undefined)).headers.get('www-authenticate');
    const { attempts, refreshed } = engine.metrics();
    return { without, first, second, bare, bearer: held.bearer ?? null, attempts, refreshed, steps: engine.diagnostics().length > 0 };
  });
  assert.deepEqual(outcome, { without: 'signed_out', first: 1, second: 2, bare: 'Bearer', bearer: null, attempts: 1, refreshed: 1, steps: true });
  assert.equal((await server.ledger()).refreshes, 1);
});

test('an option that cannot be used is named', async ({ page }) => {
  await withEngine(page);
  const thrown = await page.run(() => {
    const outcome = (options) => {
      try {
        new bindings.TokenManager(JSON.stringify(options), {});
        return 'nothing';
      } catch ({ option, message }) {
        return [option, typeof message];
      }
    };
    return [
      outcome([]),
      outcome({ lead: -1 }),
      outcome({ lead: NaN }),
      outcome({ colour: 'red' }),
      outcome({ 'refresh.colours.a': 'b' }),
      outcome({ 'refresh.format': 'xml' }),
      outcome({ 'refresh.kind': 'endpoint' }),
    ];
  });
  const names = ['options', 'lead', 'lead', 'colour', 'refresh.colours.a', 'refresh.format', 'refresh.url'];
  assert.deepEqual(thrown, names.map((name) => [name, 'string']));
});

test('decodeJwt reads what is a JWT and gives the reason for what is none', async ({ page, server }) => {
  await withEngine(page);
  const { access_token } = await server.login();
  const outcome = await page.run((token) => {
    const encode = (value) => btoa(typeof value === 'string' ? value : JSON.stringify(value)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    const head = encode({ alg: 'none' });
    const reasonOf = (text) => {
      try {
        bindings.decodeJwt(text);
        return 'none';
      } catch ({ code, reason }) {
        return `${code}: ${reason}`;
      }
    };
    const { header, claims } = bindings.decodeJwt(token);
    return {
      header,
      claims,
      odd: bindings.decodeJwt(`${head}.${encode('{"exp":1e400,"sub":"\\ud83d\\ude00","__proto__":1}')}.`).claims.sub,
      reasons: {
        empty: reasonOf(''),
        two: reasonOf(`${head}.${head}`),
        four: reasonOf(`${head}.${head}.x.y`),
        encrypted: reasonOf(`${head}.a.b.c.d`),
        base64: reasonOf(`${head}.!!!!.x`),
        utf8: reasonOf(`${head}.${encode('"\xff\xfe"')}.x`),
        json: reasonOf(`${head}.${encode('{"a":')}.x`),
        list: reasonOf(`${head}.${encode('[1]')}.x`),
        long: reasonOf(`${head}.${'e'.repeat(3_000_000)}.x`),
      },
    };
  }, access_token);
  assert.equal(outcome.header.alg, 'EdDSA');
  assert.equal(outcome.claims.exp, claimsOf(access_token).exp);
  assert.equal(outcome.odd, '😀');
  assert.deepEqual(outcome.reasons, {
    empty: 'invalid_token: segments',
    two: 'invalid_token: segments',
    four: 'invalid_token: segments',
    encrypted: 'invalid_token: encrypted',
    base64: 'invalid_token: base64',
    utf8: 'invalid_token: utf8',
    json: 'invalid_token: json',
    list: 'invalid_token: not_an_object',
    long: 'invalid_token: too_long',
  });
});
