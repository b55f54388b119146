// Refresh by description and by callback.

import assert from 'node:assert/strict';
import { world } from './harness/world.mjs';

const test = world();

test('format: form with clientId is the OAuth 2 request', async ({ page, server }) => {
  await page.open();
  const outcome = await page.run(async () => {
    const sent = [];
    const native = window.fetch;
    // The token request uses the fetch of the time when the manager is made.
    window.fetch = (input, init) => {
      sent.push({ url: String(input), method: init.method, body: init.body, headers: Object.fromEntries(new Headers(init.headers)), credentials: init.credentials });
      return native(input, init);
    };
    kit.make({ refresh: { url: '/auth/refresh', format: 'form', clientId: 'app 1', params: { scope: 'a b' } } });
    window.fetch = native;
    const answer = await kit.oldLogin();
    auth.setTokens(answer);
    const { status } = await auth.fetch('/api/me');
    const body = new URLSearchParams(sent[0].body);
    const fields = [...body].map(([name, value]) => [name, value === answer.refresh_token ? 'the refresh token' : value]);
    return { status, count: sent.length, ...sent[0], body: Object.fromEntries(fields) };
  });
  assert.deepEqual(outcome, {
    status: 200,
    count: 1,
    url: `${server.origin}/auth/refresh`,
    method: 'POST',
    body: { grant_type: 'refresh_token', refresh_token: 'the refresh token', client_id: 'app 1', scope: 'a b' },
    headers: outcome.headers,
    credentials: 'omit',
  });
  assert.match(outcome.headers['content-type'], /^application\/x-www-form-urlencoded/);
  assert.deepEqual((await server.refreshes()).map(({ outcome }) => outcome), ['rotated']);
});

test('other members of an answer arrive as extras of refreshed', async ({ page }) => {
  await page.open();
  const extras = await page.run(async () => {
    await kit.signedIn();
    await auth.refresh({ force: true });
    return (await kit.event('refreshed')).extras;
  });
  assert.equal(extras.user.email, 'ann@example.com');
  assert.deepEqual(Object.keys(extras), ['user']);
});

test('a callback gets the tokens, a signal and a fetch of its own, and its answer is taken', async ({ page, server }) => {
  await page.open();
  const outcome = await page.run(async () => {
    const seen = [];
    const answer = await kit.oldLogin();
    kit.make({
      async refresh({ refreshToken, accessToken, attempt, reason, signal, fetch }) {
        seen.push({ refresh: refreshToken === answer.refresh_token, access: accessToken === answer.access_token, attempt, reason, aborted: signal.aborted });
        const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ refresh_token: refreshToken }) };
        return (await fetch('/auth/refresh', init)).json();
      },
    });
    auth.intercept();
    auth.setTokens(answer);
    const response = await fetch('/api/me');
    return { seen, status: response.status, state: auth.state };
  });
  assert.equal(outcome.seen.length, 1);
  const { reason, ...rest } = outcome.seen[0];
  assert.deepEqual(rest, { refresh: true, access: true, attempt: 1, aborted: false });
  assert.match(reason, /^(scheduled|expired)$/);
  assert.deepEqual([outcome.status, outcome.state], [200, 'active']);
  assert.equal((await server.ledger()).refreshes, 1);
});

test('a callback that throws SessionEnded ends the session', async ({ page }) => {
  await page.open();
  const outcome = await page.run(async () => {
    const answer = await kit.oldLogin();
    kit.make({
      refresh() {
        throw new kit.SessionEnded();
      },
    });
    auth.setTokens(answer);
    const { code } = await kit.caught(auth.getAccessToken());
    return { code, reason: (await kit.event('sessionEnded')).reason, state: auth.state };
  });
  assert.deepEqual(outcome, { code: 'session_ended', reason: 'callback', state: 'signedOut' });
});

test('a callback that fails otherwise is tried again', async ({ page }) => {
  await page.open();
  const outcome = await page.run(async () => {
    const answer = await kit.oldLogin();
    let calls = 0;
    kit.make({
      retryDelay: 0.1,
      async refresh({ attempt }) {
        calls++;
        if (calls === 1) throw new Error(`no ${answer.refresh_token}`);
        if (calls === 2) throw Object.assign(new Error('slow down'), { status: 429, retryAfter: 2 });
        if (calls === 3) throw undefined;
        return { access_token: 'opaque-access-token', expires_in: 60, attempt };
      },
    });
    auth.setTokens(answer);
    const start = performance.now();
    const token = await auth.getAccessToken();
    const failed = events.filter(({ type }) => type === 'refreshFailed').map(({ error }) => [error.code, error.cause, error.status ?? 0]);
    return { token, failed, took: performance.now() - start, state: auth.state };
  });
  assert.equal(outcome.token, 'opaque-access-token');
  assert.deepEqual(outcome.failed, [
    ['refresh_unavailable', 'callback', 0],
    ['refresh_unavailable', 'callback', 429],
    ['refresh_unavailable', 'callback', 0],
  ]);
  assert.ok(outcome.took >= 2000, `retryAfter was not waited for: ${outcome.took} ms`);
});

test('a callback that goes through the wrapped fetch is told what to use', async ({ page, server }) => {
  await page.open();
  const outcome = await page.run(async () => {
    const answer = await kit.oldLogin();
    const inside = [];
    const { auth } = kit.make({
      retries: 0,
      attemptTimeout: 3,
      async refresh() {
        // An API that needs the token which is to be refreshed: this would wait for itself.
        try {
          return await (await auth.fetch('/api/me')).json();
        } catch (error) {
          inside.push(error.name);
          throw error;
        }
      },
    });
    auth.setTokens(answer);
    const outside = await kit.caught(auth.fetch('/api/me'));
    await kit.until(() => inside.length > 0);
    return { inside: inside[0], outside: outside.code, state: auth.state, message: outside.message };
  });
  assert.equal(outcome.inside, 'ReentrantRefreshError');
  assert.match(outcome.outside, /^(reentrant_refresh|refresh_unavailable)$/);
  assert.equal(outcome.state, 'stale');
  const { '/api/me': asked, '/auth/refresh': refreshed } = await server.requests();
  assert.deepEqual([asked, refreshed], [undefined, undefined]);
});

test('run gives an operation a token and repeats it once after a refresh', async ({ page, server }) => {
  await page.open();
  await server.expireAccess(await page.run(async () => (await kit.settledIn()).getAccessToken()));
  const outcome = await page.run(async () => {
    const attempts = [];
    // An XMLHttpRequest, as an SDK might make it.
    const operation = (token, attempt) =>
      new Promise((resolve, reject) => {
        attempts.push(attempt);
        const request = new XMLHttpRequest();
        request.open('GET', '/api/me');
        request.setRequestHeader('Authorization', `Bearer ${token}`);
        request.onload = () => (request.status === 200 ? resolve(JSON.parse(request.responseText).email) : reject({ status: request.status }));
        request.send();
      });
    return { email: await auth.run(operation), attempts };
  });
  assert.deepEqual(outcome, { email: 'ann@example.com', attempts: [1, 2] });
  assert.equal((await server.ledger()).refreshes, 1);
});
