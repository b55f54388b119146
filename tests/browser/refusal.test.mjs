// What ends a session, and what is left of it.

import assert from 'node:assert/strict';
import { world } from './harness/world.mjs';

const test = world();

test('a tampered refresh token is tried once, ends the session once and leaves no token', async ({ page, server }) => {
  await page.open();
  const outcome = await page.run(async () => {
    const answer = await kit.oldLogin();
    const { refresh_token: good } = answer;
    const tampered = (good[0] === 'A' ? 'B' : 'A') + good.slice(1);
    watch.note({ refresh_token: tampered });
    kit.make({ store: kit.local() });
    auth.setTokens({ ...answer, refresh_token: tampered });
    const waited = await Promise.all([1, 2, 3].map(() => kit.caught(auth.fetch('/api/me'))));
    await kit.event('sessionEnded');
    const after = await auth.fetch('/api/me');
    return {
      waited: waited.map(({ code }) => code),
      types: kit.types(),
      ended: events.find(({ type }) => type === 'sessionEnded'),
      failed: await kit.caught(Promise.reject(events.find(({ type }) => type === 'refreshFailed').error)),
      state: auth.state,
      held: auth.peek(),
      stored: [tampered, good, answer.access_token].some((token) => kit.stored().includes(token.slice(0, 12))),
      asked: await kit.caught(auth.getAccessToken()),
      after: { status: after.status, challenge: after.headers.get('www-authenticate') },
    };
  });
  assert.deepEqual(outcome.waited, Array(3).fill('session_ended'));
  assert.deepEqual(outcome.types, ['sessionStarted', 'refreshFailed', 'sessionEnded']);
  assert.deepEqual(outcome.ended, { type: 'sessionEnded', reason: 'refused', status: 400, oauthError: 'invalid_grant' });
  assert.equal(outcome.failed.code, 'session_ended');
  assert.equal(outcome.state, 'signedOut');
  assert.ok(!outcome.held);
  assert.equal(outcome.stored, false);
  assert.equal(outcome.asked.code, 'signed_out');
  // Without an error code the server has seen no token at all (RFC 6750 §3.1).
  assert.deepEqual(outcome.after, { status: 401, challenge: 'Bearer' });
  const refreshes = await server.refreshes();
  assert.deepEqual(refreshes.map(({ outcome, status }) => [outcome, status]), [['unknown', 400]]);
});

test('a reload after the end sends no refresh token again', async ({ page, server }) => {
  await page.open();
  await page.run(async () => {
    const answer = await kit.oldLogin();
    await kit.post('/faults/revoke', { email: 'ann@example.com' });
    kit.make({ store: kit.local() });
    await auth.setTokens(answer);
    await kit.event('sessionEnded');
  });
  await page.reload();
  const outcome = await page.run(async () => {
    kit.make({ store: kit.local() });
    const state = auth.state;
    await watch.sleep(1500);
    return { state, later: auth.state, types: kit.types() };
  });
  assert.deepEqual(outcome, { state: 'signedOut', later: 'signedOut', types: [] });
  assert.deepEqual((await server.refreshes()).map(({ outcome }) => outcome), ['revoked']);
});

test('a refusal ends the session at once when a 401 was its reason, and the caller gets the 401', async ({ page, server }) => {
  await page.open();
  await page.run(() => kit.settledIn());
  await server.revoke();
  const outcome = await page.run(async () => {
    const response = await auth.fetch('/api/me');
    const { reason } = await kit.event('sessionEnded');
    return { status: response.status, body: await response.json(), reason, state: auth.state };
  });
  assert.deepEqual([outcome.status, outcome.body.error], [401, 'invalid_token']);
  assert.deepEqual([outcome.reason, outcome.state], ['refused', 'signedOut']);
  assert.equal((await server.ledger()).refreshes, 1);
});

test('a refusal ahead of time lets a good access token live to its end', async ({ page, server }) => {
  await page.open();
  // The refusal is ordered: a server that has really revoked the session would refuse the access token too.
  await server.fault({ path: '/auth/refresh', times: 1, status: 400, body: { error: 'invalid_grant' } });
  const outcome = await page.run(async () => {
    await kit.signedIn({}, { access_ttl: 15 });
    await kit.event('sessionExpiring');
    const response = await auth.fetch('/api/me');
    const state = auth.state;
    await kit.event('sessionEnded');
    return { status: response.status, state, after: auth.state, types: kit.types() };
  });
  assert.deepEqual(outcome, {
    status: 200,
    state: 'ending',
    after: 'signedOut',
    types: ['sessionStarted', 'refreshFailed', 'sessionExpiring', 'sessionEnded'],
  });
  assert.equal((await server.ledger()).refreshes, 1);
});

test('with refresh: null the session ends with its token, and no request is made', async ({ page, server }) => {
  await page.open();
  const outcome = await page.run(async () => {
    await kit.signedIn({ refresh: null }, { access_ttl: 2 });
    const { reason } = await kit.event('sessionEnded');
    return { reason, state: auth.state, types: kit.types() };
  });
  assert.deepEqual(outcome, { reason: 'expired', state: 'signedOut', types: ['sessionStarted', 'sessionEnded'] });
  assert.equal((await server.ledger()).refreshes, 0);
});

test('a configuration error at the endpoint keeps the session', async ({ page, server }) => {
  await page.open();
  await server.fault({ path: '/auth/refresh', times: 1, status: 401, body: { error: 'invalid_client' } });
  const outcome = await page.run(async () => {
    const answer = await kit.oldLogin();
    kit.make();
    auth.setTokens(answer);
    const error = await kit.caught(auth.getAccessToken());
    return { error, state: auth.state, types: kit.types() };
  });
  assert.deepEqual([outcome.error.name, outcome.error.oauthError, outcome.error.status], ['ConfigurationError', 'invalid_client', 401]);
  assert.deepEqual([outcome.state, outcome.types], ['stale', ['sessionStarted', 'refreshFailed']]);
});
