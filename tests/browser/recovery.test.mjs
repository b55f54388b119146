// A 401 for a token that seemed good.

import assert from 'node:assert/strict';
import { claimsOf } from './harness/server.mjs';
import { world } from './harness/world.mjs';

const test = world();

test('a 401 for a token that is locally valid costs one refresh and one replay', async ({ page, server }) => {
  await page.open();
  await server.expireAccess(await page.run(async () => (await kit.settledIn()).getAccessToken()));
  const outcome = await page.run(async () => {
    const init = { method: 'POST', headers: { 'Content-Type': 'text/plain', 'X-Mark': 'a  b' }, body: 'grüße' };
    const response = await auth.fetch('/api/echo?a=1&a=2', init);
    return { status: response.status, echo: await response.json(), types: kit.types() };
  });
  assert.equal(outcome.status, 200);
  assert.equal(outcome.echo.method, 'POST');
  assert.equal(outcome.echo.query, 'a=1&a=2');
  assert.equal(Buffer.from(outcome.echo.body_base64, 'base64').toString(), 'grüße');
  assert.equal(outcome.echo.headers['content-type'], 'text/plain');
  assert.equal(outcome.echo.headers['x-mark'], 'a  b');
  assert.deepEqual(outcome.types, ['sessionStarted', 'refreshed']);
  const { refreshes, api } = await server.ledger();
  assert.equal(refreshes, 1);
  assert.deepEqual(api, { ok: 1, unauthorized: 1 });
});

test('every kind of body that can be read twice is replayed byte for byte', async ({ page, server }) => {
  await page.open();
  await server.expireAccess(await page.run(async () => (await kit.settledIn()).getAccessToken()));
  const echoes = await page.run(async () => {
    const bytes = new Uint8Array(300_000).map((_, at) => at * 7);
    const form = new FormData();
    form.append('file', new Blob([bytes.slice(0, 1000)]), 'a.bin');
    const calls = {
      arrayBuffer: ['/api/echo', { method: 'PUT', body: bytes.buffer }],
      view: ['/api/echo', { method: 'PATCH', body: bytes.subarray(3, 3000) }],
      blob: ['/api/echo', { method: 'POST', body: new Blob([bytes]) }],
      params: ['/api/echo', { method: 'POST', body: new URLSearchParams({ q: 'ä&b' }) }],
      form: ['/api/echo', { method: 'POST', body: form }],
      request: [new Request('/api/echo', { method: 'POST', body: 'of the request', headers: { 'X-Mark': '1' } })],
      merged: [new Request('/api/echo', { method: 'POST', body: 'of the request' }), { body: 'of the init', method: 'PUT' }],
      none: [new URL('/api/echo', location.href), { method: 'DELETE' }],
    };
    const entries = Object.entries(calls).map(async ([name, args]) => {
      const response = await auth.fetch(...args);
      const { method, body_length, body_base64 } = await response.json();
      return [name, { status: response.status, method, body_length, start: atob(body_base64.slice(0, 400)) }];
    });
    return Object.fromEntries(await Promise.all(entries));
  });
  const seen = Object.entries(echoes).map(([name, { status, method, body_length }]) => [name, [status, method, body_length]]);
  assert.deepEqual(Object.fromEntries(seen), {
    arrayBuffer: [200, 'PUT', 300_000],
    view: [200, 'PATCH', 2997],
    blob: [200, 'POST', 300_000],
    params: [200, 'POST', 12],
    form: [200, 'POST', echoes.form.body_length],
    request: [200, 'POST', 14],
    merged: [200, 'PUT', 11],
    none: [200, 'DELETE', 0],
  });
  assert.equal(echoes.params.start, 'q=%C3%A4%26b');
  assert.equal(echoes.merged.start, 'of the init');
  assert.match(echoes.form.start, /filename="a.bin"/);
  assert.deepEqual([...Buffer.from(echoes.view.start.slice(0, 4), 'latin1')], [21, 28, 35, 42]);
  const { refreshes, api } = await server.ledger();
  assert.equal(refreshes, 1);
  assert.deepEqual(api, { ok: 8, unauthorized: 8 });
});

test('20 requests whose 401s come early and late share one refresh', async ({ page, server }) => {
  await page.open();
  await server.expireAccess(await page.run(async () => (await kit.settledIn()).getAccessToken()));
  // Three of the six connections answer long after the refresh.
  await server.fault({ path: '/api/me', times: 3, answer_latency_ms: 2500 });
  const statuses = await page.run(() =>
    Promise.all(Array.from({ length: 20 }, (_, n) => auth.fetch(`/api/me?n=${n}`).then(({ status }) => status))),
  );
  assert.deepEqual(statuses, Array(20).fill(200));
  const { refreshes, api } = await server.ledger();
  assert.equal(refreshes, 1);
  assert.deepEqual(api, { ok: 20, unauthorized: 20 });
});

test('an access token with a flipped bit of its signature costs one 401 and one refresh', async ({ page, server }) => {
  const answer = await server.login();
  const [header, claims, signature] = answer.access_token.split('.');
  const flipped = Buffer.from(signature, 'base64url');
  flipped[20] ^= 1;
  await recoversFrom({ page, server }, { ...answer, access_token: [header, claims, flipped.toString('base64url')].join('.') });
});

test('an access token that claims to live until 2099 costs one 401 and one refresh', async ({ page, server }) => {
  const answer = await server.login();
  const [header, , signature] = answer.access_token.split('.');
  const claims = { ...claimsOf(answer.access_token), exp: Date.UTC(2099, 0, 1) / 1000 };
  const forged = [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
  await recoversFrom({ page, server }, { ...answer, access_token: forged, expires_in: undefined });
});

async function recoversFrom({ page, server }, tampered) {
  await page.open();
  const outcome = await page.run(async (tampered) => {
    kit.make();
    watch.note(tampered);
    await auth.setTokens(tampered);
    await watch.sleep(2200);
    const before = auth.state;
    const { status } = await auth.fetch('/api/me');
    const next = await auth.fetch('/api/me');
    return { before, status, next: next.status, types: kit.types() };
  }, tampered);
  assert.deepEqual(outcome, { before: 'active', status: 200, next: 200, types: ['sessionStarted', 'refreshed'] });
  const { refreshes, api } = await server.ledger();
  assert.equal(refreshes, 1);
  assert.deepEqual(api, { ok: 2, unauthorized: 1 });
}

test('a second 401 goes to the caller, and refreshes that do not help come to an end', async ({ page, server }) => {
  await page.open();
  await page.run(() => kit.settledIn());
  await server.fault({ path: '/api/me', times: null, status: 401 });
  const statuses = await page.run(async () => {
    const statuses = [];
    for (let n = 0; n < 10; n++) statuses.push((await auth.fetch('/api/me')).status);
    return { statuses, state: auth.state };
  });
  assert.deepEqual(statuses, { statuses: Array(10).fill(401), state: 'active' });
  const { refreshes } = await server.ledger();
  assert.equal(refreshes, 1);
});

test('insufficient_scope is passed on without a refresh', async ({ page, server }) => {
  await page.open();
  const outcome = await page.run(async () => {
    await kit.settledIn();
    const native = window.fetch;
    window.fetch = async () => new Response('{}', { status: 401, headers: { 'WWW-Authenticate': 'Bearer error="insufficient_scope"' } });
    const response = await auth.fetch('/api/me');
    window.fetch = native;
    return { status: response.status, body: await response.text() };
  });
  assert.deepEqual(outcome, { status: 401, body: '{}' });
  assert.equal((await server.ledger()).refreshes, 0);
});
