// Refreshing ahead of time, and one refresh for many callers.

import assert from 'node:assert/strict';
import { world } from './harness/world.mjs';

const test = world();

test('a token is refreshed before it expires with nobody asking', async ({ page, server }) => {
  await page.open();
  await page.run(() => kit.signedIn({}, { access_ttl: 15 }));
  const before = await server.requests();
  const event = await page.run(() => kit.event('refreshed'));
  const { entries } = await server.ledger();
  const [login, refresh] = entries;
  assert.deepEqual([login.kind, refresh.kind, entries.length], ['login', 'refresh', 2]);
  assert.equal(refresh.outcome, 'rotated');
  assert.ok(refresh.at_ms < login.at_ms + 15_000, `refreshed ${refresh.at_ms - login.at_ms} ms after the sign-in`);
  assert.deepEqual(await server.requests(), { ...before, '/auth/refresh': 1 });
  assert.equal(event.generation, 2);
  assert.equal(await page.run(() => auth.state), 'active');
});

test('a token that is still good is sent at once during its refresh', async ({ page, server }) => {
  await page.open();
  await server.fault({ path: '/auth/refresh', times: 1, latency_ms: 4000 });
  await page.run(() => kit.signedIn({}, { access_ttl: 15 }));
  const during = await page.run(async () => {
    await kit.until(() => auth.getSnapshot().refreshing);
    const { status } = await auth.fetch('/api/me');
    return { status, refreshing: auth.getSnapshot().refreshing, generation: auth.getSnapshot().generation };
  });
  assert.deepEqual(during, { status: 200, refreshing: true, generation: 1 });
  await page.run(() => kit.event('refreshed'));
});

test('1,000 requests with an expired token share one refresh', async ({ page, server }) => {
  await page.open();
  const counts = await page.run(async () => {
    const answer = await kit.oldLogin();
    kit.make().auth.setTokens(answer);
    const sent = Array.from({ length: 1000 }, (_, n) => auth.fetch(`/api/me?n=${n}`).then(({ status }) => status));
    const counts = {};
    for (const status of await Promise.all(sent)) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  });
  assert.deepEqual(counts, { 200: 1000 });
  const { refreshes, api } = await server.ledger();
  assert.equal(refreshes, 1);
  assert.deepEqual(api, { ok: 1000, unauthorized: 0 });
});

test('getAccessToken and refresh join the refresh of the requests', async ({ page, server }) => {
  await page.open();
  const outcome = await page.run(async () => {
    const answer = await kit.oldLogin();
    kit.make().auth.setTokens(answer);
    const [token, again, , response] = await Promise.all([
      auth.getAccessToken(),
      auth.getAccessToken({ minValidity: 60 }),
      auth.refresh(),
      auth.fetch('/api/me'),
    ]);
    return { same: token === again, held: token === auth.peek().accessToken, old: token === answer.access_token, status: response.status };
  });
  assert.deepEqual(outcome, { same: true, held: true, old: false, status: 200 });
  assert.equal((await server.ledger()).refreshes, 1);
});
