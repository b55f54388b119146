// Several documents of one origin with one session: locks, channel and store are the browser's own.

import assert from 'node:assert/strict';
import { world } from './harness/world.mjs';

const test = world();

test('ten documents with one expired session make one refresh', async ({ page, server }) => {
  await page.open();
  const statuses = await page.run(async () => {
    kit.make({ store: kit.local() });
    await auth.setTokens(await kit.oldLogin());
    const others = await kit.documents(9);
    for (const other of others) other.kit.make({ store: other.kit.local() });
    const sent = [window, ...others].map((one) => one.auth.fetch('/api/me').then(({ status }) => status));
    return Promise.all(sent);
  });
  assert.deepEqual(statuses, Array(10).fill(200));
  const { refreshes } = await server.ledger();
  assert.equal(refreshes, 1);
});

test('what one document gets or ends, the others hear of at once', async ({ page, server }) => {
  await page.open();
  const heard = await page.run(async () => {
    await kit.signedIn({ store: kit.local() });
    const [other] = await kit.documents(1);
    other.kit.make({ store: other.kit.local() });
    await kit.until(() => other.auth.state === 'active');
    await auth.refresh({ force: true });
    await kit.until(() => other.auth.getSnapshot().generation === 2);
    const same = other.auth.peek().accessToken === auth.peek().accessToken;
    await auth.signOut();
    await kit.until(() => other.auth.state === 'signedOut');
    return { same, types: other.kit.types(), token: other.auth.peek() ?? null };
  });
  assert.deepEqual(heard, { same: true, types: ['adopted', 'sessionEnded'], token: null });
  assert.equal((await server.ledger()).refreshes, 1);
});

test('cookie sessions that come back in several documents refresh one after the other', async ({ page, server }) => {
  await page.open();
  await page.run(async () => {
    const refresh = { url: '/auth/refresh', tokenIn: 'cookie' };
    await kit.login({ mode: 'cookie' });
    const others = await kit.documents(4);
    for (const other of others) other.kit.make({ refresh });
    await kit.until(() => others.every((other) => other.auth.state === 'active'));
  });
  assert.ok((await server.ledger()).in_flight_refreshes_max <= 1);
});

test('a lock that somebody else keeps delays a refresh and does not prevent it', async ({ page, server }) => {
  await page.open();
  const status = await page.run(async () => {
    navigator.locks.request('evertoken:default', () => new Promise(() => {}));
    kit.make({ store: kit.local() });
    await auth.setTokens(await kit.oldLogin());
    const response = await auth.fetch('/api/me');
    return response.status;
  });
  assert.equal(status, 200);
  assert.equal((await server.ledger()).refreshes, 1);
});

test('after dispose no lock, channel or timer is left', async ({ page }) => {
  await page.open();
  const held = await page.run(async () => {
    kit.make({ store: kit.local() });
    await auth.setTokens(await kit.oldLogin());
    const sent = auth.fetch('/api/me').catch(() => {});
    await watch.sleep(0);
    auth.dispose();
    await sent;
    await watch.sleep(100);
    const { held, pending } = await navigator.locks.query();
    return [...held, ...pending].filter(({ name }) => name.startsWith('evertoken'));
  });
  assert.deepEqual(held, []);
});
