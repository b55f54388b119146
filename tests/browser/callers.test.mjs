// Callers that leave, and managers that stop: what becomes of those who wait.

import assert from 'node:assert/strict';
import { world } from './harness/world.mjs';

const test = world();

test('aborts of getAccessToken and refresh leave the refresh alone too, and an aborted call is not begun', async ({ page, server }) => {
  await page.open();
  await server.fault({ path: '/auth/refresh', times: 1, latency_ms: 2000 });
  const outcome = await page.run(async () => {
    const answer = await kit.oldLogin();
    kit.make();
    auth.setTokens(answer);
    const leaver = new AbortController();
    const { signal } = leaver;
    const calls = [auth.getAccessToken({ signal }), auth.refresh({ signal }), auth.fetch('/api/me', { signal })];
    const left = calls.map((call) => kit.caught(call));
    await watch.sleep(200);
    leaver.abort();
    const names = (await Promise.all(left)).map(({ name }) => name);
    const late = await kit.caught(auth.getAccessToken({ signal: AbortSignal.abort() }));
    await kit.event('refreshed');
    return { names, late: late.name };
  });
  assert.deepEqual(outcome, { names: Array(3).fill('AbortError'), late: 'AbortError' });
  const requests = await server.requests();
  assert.deepEqual([requests['/auth/refresh'], requests['/api/me']], [1, undefined]);
});

test('a sign-out during a refresh drops the late answer', async ({ page, server }) => {
  await page.open();
  await server.fault({ path: '/auth/refresh', times: 1, latency_ms: 2000 });
  await page.run(async () => {
    const answer = await kit.oldLogin();
    kit.make({ store: kit.local() });
    auth.setTokens(answer);
    window.waiting = kit.caught(auth.fetch('/api/me'));
    await kit.until(() => auth.metrics().attempts === 1);
    await auth.signOut();
  });
  const during = await page.run(async () => ({ state: auth.state, waiting: (await waiting).code, refreshing: auth.getSnapshot().refreshing }));
  assert.deepEqual(during, { state: 'signedOut', waiting: 'session_ended', refreshing: false });
  const known = await page.run(async () => {
    // The answer is in: its tokens are among those that were read.
    await kit.until(() => watch.harvest().tokens.length === 4);
    await watch.sleep(300);
    const { tokens } = watch.harvest();
    return {
      stored: tokens.some((token) => kit.stored().includes(token.slice(0, 12))),
      held: auth.peek() ?? null,
      state: auth.state,
      types: kit.types(),
      reason: events.at(-1).reason,
      again: (await auth.fetch('/api/me')).headers.get('www-authenticate'),
    };
  });
  assert.deepEqual(known, {
    stored: false,
    held: null,
    state: 'signedOut',
    types: ['sessionStarted', 'sessionEnded'],
    reason: 'signed_out',
    again: 'Bearer',
  });
  assert.deepEqual((await server.refreshes()).map(({ outcome }) => outcome), ['rotated']);
});

// The server has rotated by then, unseen: what the page still holds, and revokes, is spent.
test('a sign-out revokes what is held, and what a late answer brings', { reuse: true }, async ({ page, server }) => {
  await page.open();
  await server.fault({ path: '/auth/refresh', times: 1, answer_latency_ms: 2000 });
  await page.run(async () => {
    const answer = await kit.oldLogin();
    kit.make({ refresh: { url: '/auth/refresh', revoke: { url: '/auth/revoke', format: 'form' } } });
    auth.setTokens(answer);
  });
  const until = async (condition) => {
    for (let tries = 0; !(await condition()) && tries < 300; tries++) await new Promise((resolve) => setTimeout(resolve, 100));
  };
  await until(async () => (await server.refreshes()).some(({ token_outcome }) => token_outcome === 'rotated'));
  await page.run(() => auth.signOut());
  const revocations = async () => (await server.ledger()).entries.filter(({ kind }) => kind === 'revoke');
  const [login] = (await server.ledger()).entries;
  await until(async () => (await revocations()).length === 2);
  const [held, late, ...more] = await revocations();
  assert.equal(held.token_fingerprint, login.token_fingerprint);
  assert.notEqual(late.token_fingerprint, login.token_fingerprint);
  assert.deepEqual(more, []);
});

for (const how of ['stop', 'signOut', 'dispose']) {
  test(`after ${how} there is no timer, no request and no open call`, async ({ page, server }) => {
    await page.open();
    await server.fault({ path: '/auth/refresh', times: 1, latency_ms: 1500 });
    const outcome = await page.run(async (how) => {
      const before = watch.timers();
      const answer = await kit.oldLogin({ access_ttl: 6 });
      kit.make({ checkInterval: 1 });
      auth.setTokens(answer);
      const armed = watch.timers() - before;
      const calls = [auth.getAccessToken(), auth.refresh({ force: true }), auth.fetch('/api/me')];
      const settled = Promise.all(calls.map((call) => call.then(() => 'fulfilled', ({ code }) => code)));
      await kit.until(() => auth.getSnapshot().refreshing);
      await auth[how]();
      return { armed, outcomes: await settled, timers: watch.timers() - before };
    }, how);
    assert.ok(outcome.armed > 0, 'a running manager has a timer');
    const code = { stop: 'refresh_unavailable', signOut: 'session_ended', dispose: 'disposed' }[how];
    assert.deepEqual(outcome.outcomes, Array(3).fill(code));
    assert.equal(outcome.timers, 0);
    const before = await server.requests();
    // Longer than the token lives.
    await page.run(() => watch.sleep(7000));
    assert.deepEqual(await server.requests(), before);
    assert.equal(await page.run(() => watch.timers()), 0);
  });
}

test('dispose is idempotent, and what is called afterwards says so', async ({ page }) => {
  await page.open();
  const outcome = await page.run(async () => {
    await kit.signedIn();
    auth.dispose();
    auth.dispose();
    auth[Symbol.dispose]();
    const codes = await Promise.all([auth.getAccessToken(), auth.refresh(), auth.setTokens({ access_token: 'abc' })].map(kit.caught));
    return { codes: codes.map(({ code }) => code), held: auth.peek() ?? null };
  });
  assert.deepEqual(outcome, { codes: Array(3).fill('disposed'), held: null });
});

test('a stopped manager starts again', async ({ page, server }) => {
  await page.open();
  const outcome = await page.run(async () => {
    await kit.signedIn({}, { access_ttl: 6 });
    auth.stop();
    await watch.sleep(7000);
    const stopped = kit.types();
    auth.start();
    await kit.event('refreshed');
    return stopped;
  });
  assert.deepEqual(outcome, ['sessionStarted']);
  assert.equal((await server.ledger()).refreshes, 1);
});
