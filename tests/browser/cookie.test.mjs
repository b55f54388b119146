// The refresh token as an HttpOnly cookie.

import assert from 'node:assert/strict';
import { world } from './harness/world.mjs';

const test = world();
const REFRESH = { url: '/auth/refresh', tokenIn: 'cookie' };

test('a reload of a cookie session restores it with one refresh, and no script sees the refresh token', async ({ page, server, driver }) => {
  await page.open();
  const before = await page.run(async (refresh) => {
    kit.make({ refresh });
    await kit.until(() => auth.state === 'signedOut');
    await auth.setTokens(await kit.login({ mode: 'cookie' }));
    return { state: auth.state, status: (await auth.fetch('/api/me')).status, stored: kit.stored(), cookies: document.cookie };
  }, REFRESH);
  assert.deepEqual(before, { state: 'active', status: 200, stored: '[{},{}]', cookies: '' });
  // The cookie is there, for the server alone.
  const { cookies } = await driver.sendAndGetDevToolsCommand('Network.getCookies', { urls: [`${server.origin}/auth/refresh`] });
  assert.deepEqual(cookies.map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite]), [['evertoken_refresh', true, 'Strict']]);
  await page.reload();
  const outcome = await page.run(async (refresh) => {
    const { state } = kit.make({ refresh }).auth;
    const { status } = await auth.fetch('/api/me');
    return { state, status, after: auth.state, types: kit.types(), stored: kit.stored() };
  }, REFRESH);
  assert.deepEqual(outcome, { state: 'restoring', status: 200, after: 'active', types: ['sessionStarted'], stored: '[{},{}]' });
  assert.deepEqual((await server.refreshes()).map(({ outcome }) => outcome), ['rotated']);
});

test('without a cookie the page is signed out with one request and no sessionEnded', async ({ page, server }) => {
  await page.open();
  const outcome = await page.run(async (refresh) => {
    const { state } = kit.make({ refresh }).auth;
    await kit.until(() => auth.state !== 'restoring');
    return { state, after: auth.state, types: kit.types() };
  }, REFRESH);
  assert.deepEqual(outcome, { state: 'restoring', after: 'signedOut', types: [] });
  assert.equal((await server.requests())['/auth/refresh'], 1);
});

test('a request of a visitor whom nobody knows goes out without a token once that is clear', async ({ page }) => {
  await page.open();
  const outcome = await page.run(async (refresh) => {
    kit.make({ refresh });
    const response = await auth.fetch('/health');
    return { status: response.status, state: auth.state };
  }, REFRESH);
  assert.deepEqual(outcome, { status: 200, state: 'signedOut' });
});

test('a stored session whose cookie is refused ends with sessionEnded', async ({ page, server }) => {
  await page.open();
  await page.run((refresh) => kit.signedIn({ refresh, store: kit.local(), persist: 'refresh' }, { mode: 'cookie' }), REFRESH);
  await server.revoke();
  await page.reload();
  const outcome = await page.run(async (refresh) => {
    kit.make({ refresh, store: kit.local(), persist: 'refresh' });
    const { reason } = await kit.event('sessionEnded');
    return { reason, state: auth.state };
  }, REFRESH);
  assert.deepEqual(outcome, { reason: 'refused', state: 'signedOut' });
});

test('autoResume: false makes no request', async ({ page, server }) => {
  await page.open();
  const outcome = await page.run(async (refresh) => {
    kit.make({ refresh, autoResume: false });
    await watch.sleep(1500);
    return auth.state;
  }, REFRESH);
  assert.equal(outcome, 'signedOut');
  assert.equal((await server.requests())['/auth/refresh'], undefined);
});

test('a proactive refresh by cookie rotates it', async ({ page, server }) => {
  await page.open();
  await page.run(async (refresh) => {
    await kit.signedIn({ refresh }, { mode: 'cookie', access_ttl: 5 });
    await kit.event('refreshed', 2);
  }, REFRESH);
  const refreshes = await server.refreshes();
  assert.ok(refreshes.length >= 2);
  assert.ok(refreshes.every(({ outcome }) => outcome === 'rotated'));
  assert.equal(new Set(refreshes.map(({ token_fingerprint }) => token_fingerprint)).size, refreshes.length);
});
