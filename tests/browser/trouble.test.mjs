// A token endpoint in trouble: nothing of it signs anybody out.

import assert from 'node:assert/strict';
import { world } from './harness/world.mjs';

const test = world();

/** Signs in with an expired token, asks three times at once, and tells what came of it. */
function ask() {
  return kit.oldLogin().then(async (answer) => {
    kit.make();
    auth.setTokens(answer);
    const asked = [1, 2, 3].map((n) => auth.fetch(`/api/me?n=${n}`).then(({ status }) => status));
    const statuses = await Promise.all(asked);
    const failed = events.filter(({ type }) => type === 'refreshFailed');
    return {
      statuses,
      types: kit.types(),
      causes: failed.map(({ error }) => error.cause),
      exhausted: failed.map(({ exhausted }) => exhausted),
      attempts: events.filter(({ type }) => type === 'retryScheduled').map(({ attempt }) => attempt),
      state: auth.state,
    };
  });
}

const gaps = (entries) => entries.slice(1).map(({ at_ms }, index) => at_ms - entries[index].at_ms);

test('503 twice and then 200: two pauses, no sign-out, and the callers get their answers', async ({ page, server }) => {
  await page.open();
  await server.fault({ path: '/auth/refresh', times: 2, status: 503 });
  const outcome = await page.run(ask);
  assert.deepEqual(outcome, {
    statuses: [200, 200, 200],
    types: ['sessionStarted', 'refreshFailed', 'retryScheduled', 'refreshFailed', 'retryScheduled', 'refreshed'],
    causes: ['server_error', 'server_error'],
    exhausted: [false, false],
    attempts: [2, 3],
    state: 'active',
  });
  const refreshes = await server.refreshes();
  assert.deepEqual(refreshes.map(({ outcome }) => outcome), ['faulted', 'faulted', 'rotated']);
  const [first, second] = gaps(refreshes);
  assert.ok(first >= 500 && second >= 1000, `pauses of ${first} and ${second} ms`);
});

test('Retry-After is waited for, and the callers with it', async ({ page, server }) => {
  await page.open();
  await server.fault({ path: '/auth/refresh', times: 1, status: 429, retry_after: '3' });
  const { statuses, causes, state } = await page.run(ask);
  assert.deepEqual([statuses, causes, state], [[200, 200, 200], ['rate_limited'], 'active']);
  const refreshes = await server.refreshes();
  assert.equal(refreshes.length, 2);
  const [pause] = gaps(refreshes);
  // The server's clock and the browser's timer tick by the millisecond.
  assert.ok(pause >= 2990, `came back after ${pause} ms`);
});

test('a Retry-After that no caller can wait for rejects them at once and keeps the session', async ({ page, server }) => {
  await page.open();
  await server.fault({ path: '/auth/refresh', times: 1, status: 429, retry_after: '600' });
  const outcome = await page.run(async () => {
    const answer = await kit.oldLogin();
    kit.make();
    auth.setTokens(answer);
    const error = await kit.caught(auth.fetch('/api/me'));
    const wait = error.retryAt - Date.now();
    const again = await kit.caught(auth.getAccessToken());
    return { error, again, wait, state: auth.state, retry: auth.getSnapshot().nextRetryAt - Date.now() };
  });
  const { name, code, transient, status, cause } = outcome.error;
  assert.deepEqual([name, code, transient, status, cause], ['RefreshUnavailableError', 'refresh_unavailable', true, 429, 'rate_limited']);
  assert.equal(outcome.again.code, 'refresh_unavailable');
  assert.ok(outcome.wait > 480_000 && outcome.wait <= 600_000, `retryAt in ${outcome.wait} ms`);
  assert.ok(outcome.retry > 480_000, `nextRetryAt in ${outcome.retry} ms`);
  assert.equal(outcome.state, 'stale');
  assert.equal((await server.ledger()).refreshes, 1);
});

test('an HTML page for an answer is a passing failure', async ({ page, server }) => {
  await page.open();
  await server.fault({ path: '/auth/refresh', times: 1, html: true });
  const { statuses, causes, state } = await page.run(ask);
  assert.deepEqual([statuses, causes, state], [[200, 200, 200], ['bad_response'], 'active']);
});

test('an HTML page with a 403 is no refusal', async ({ page, server }) => {
  await page.open();
  await server.fault({ path: '/auth/refresh', times: 1, status: 403, content_type: 'text/html', body: '<h1>Blocked</h1>' });
  const { statuses, types, state } = await page.run(ask);
  assert.deepEqual([statuses, types.includes('sessionEnded'), state], [[200, 200, 200], false, 'active']);
});

for (const body of ['', 'null', '[]', '{"access_token":5}', '{"access_token":"abc', '{"access_token":""}']) {
  test(`a 200 of ${JSON.stringify(body)} is a passing failure`, async ({ page, server }) => {
    await page.open();
    await server.fault({ path: '/auth/refresh', times: 1, body, content_type: 'application/json' });
    const { statuses, causes, state } = await page.run(ask);
    assert.deepEqual([statuses, causes, state], [[200, 200, 200], ['bad_response'], 'active']);
  });
}

test('a connection that drops before the request is handled keeps the session', async ({ page, server }) => {
  await page.open();
  // Chromium itself sends a request again that a kept connection has dropped: both go.
  await server.fault({ path: '/auth/refresh', times: 2, drop: 'before' });
  const { statuses, types, causes, state } = await page.run(ask);
  assert.deepEqual([statuses, types.includes('sessionEnded'), state], [[200, 200, 200], false, 'active']);
  assert.ok(causes.length > 0 && causes.every((cause) => cause === 'network'), String(causes));
});

test('retries come to an end: the callers are told, the session stays, and a later refresh succeeds', async ({ page, server }) => {
  await page.open();
  await server.fault({ path: '/auth/refresh', times: null, status: 500 });
  const outcome = await page.run(async () => {
    const answer = await kit.oldLogin();
    kit.make({ retries: 1, retryDelay: 0.1 });
    auth.setTokens(answer);
    const error = await kit.caught(auth.fetch('/api/me'));
    const event = await kit.event('refreshFailed', 2);
    return { error, exhausted: event.exhausted, next: event.nextRetryAt - Date.now(), state: auth.state };
  });
  assert.deepEqual([outcome.error.code, outcome.error.cause, outcome.error.attempt], ['refresh_unavailable', 'server_error', 2]);
  assert.equal(outcome.exhausted, true);
  assert.ok(outcome.next > 0, `nextRetryAt in ${outcome.next} ms`);
  assert.equal(outcome.state, 'stale');
  await server.clearFaults();
  const later = await page.run(async () => {
    await auth.refresh({ force: true });
    return { status: (await auth.fetch('/api/me')).status, state: auth.state };
  });
  assert.deepEqual(later, { status: 200, state: 'active' });
});
