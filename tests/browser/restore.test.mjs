// Reloads: what the store brings back, and what it may contain.

import assert from 'node:assert/strict';
import { world } from './harness/world.mjs';

const test = world();
const KEY = 'evertoken:default';

for (const store of ['local', 'session']) {
  test(`a reload with a good token in ${store}() costs no refresh`, async ({ page, server }) => {
    await page.open();
    const before = await page.run((store) => kit.signedIn({ store: kit[store]() }).then(() => auth.peek()), store);
    await page.reload();
    const outcome = await page.run(async (store) => {
      kit.make({ store: kit[store]() });
      return { state: auth.state, held: auth.peek(), status: (await auth.fetch('/api/me')).status, types: kit.types() };
    }, store);
    assert.deepEqual(outcome, { state: 'active', held: before, status: 200, types: [] });
    assert.equal((await server.ledger()).refreshes, 0);
  });
}

test('memory() forgets at a reload', async ({ page, server }) => {
  await page.open();
  await page.run(() => kit.signedIn());
  await page.reload();
  const outcome = await page.run(async () => {
    kit.make();
    return { state: auth.state, challenge: (await auth.fetch('/api/me')).headers.get('www-authenticate'), stored: kit.stored() };
  });
  assert.deepEqual(outcome, { state: 'signedOut', challenge: 'Bearer', stored: '[{},{}]' });
  assert.equal((await server.ledger()).refreshes, 0);
});

test('a reload with an expired token costs one refresh, with nobody asking', async ({ page, server }) => {
  await page.open();
  await page.run(async (key) => {
    await kit.signedIn({ store: kit.local() });
    auth.dispose();
    const record = JSON.parse(localStorage[key]);
    record.access[0].expiry.received -= 3_600_000;
    localStorage[key] = JSON.stringify(record);
  }, KEY);
  await page.reload();
  const outcome = await page.run(async () => {
    kit.make({ store: kit.local() });
    const state = auth.state;
    await kit.event('refreshed');
    return { state, after: auth.state, status: (await auth.fetch('/api/me')).status };
  });
  assert.deepEqual(outcome, { state: 'stale', after: 'active', status: 200 });
  assert.deepEqual((await server.refreshes()).map(({ outcome }) => outcome), ['rotated']);
});

test("persist: 'refresh' keeps the access token out of the store; a reload costs one refresh", async ({ page, server }) => {
  await page.open();
  const stored = await page.run(async () => {
    await kit.signedIn({ store: kit.local(), persist: 'refresh' });
    return { access: kit.stored().includes(auth.peek().accessToken), something: localStorage.length };
  });
  assert.deepEqual(stored, { access: false, something: 1 });
  await page.reload();
  const status = await page.run(async () => {
    kit.make({ store: kit.local(), persist: 'refresh' });
    return (await auth.fetch('/api/me')).status;
  });
  assert.equal(status, 200);
  assert.equal((await server.ledger()).refreshes, 1);
});

test('twenty kinds of corrupt storage are signed out, without a throw or a request', async ({ page, server }) => {
  await page.open();
  const { states, kinds } = await page.run(async (key) => {
    await kit.signedIn({ store: kit.local() });
    auth.dispose();
    const good = localStorage[key];
    const change = (edit) => {
      const record = JSON.parse(good);
      edit(record);
      return JSON.stringify(record);
    };
    const texts = {
      space: ' ',
      word: 'undefined',
      nothing: 'null',
      number: '42',
      string: '"text"',
      list: '[]',
      empty: '{}',
      html: '<!doctype html>',
      truncated: good.slice(0, good.length / 2),
      doubled: good + good,
      nul: '\0\0\0',
      surrogate: '{"schema":1,"name":"\ud800',
      deep: '['.repeat(100_000),
      huge: 'x'.repeat(1_000_000),
      noSchema: change((record) => delete record.schema),
      textSchema: change((record) => (record.schema = '1')),
      oldSchema: change((record) => (record.schema = -1)),
      otherName: change((record) => (record.name = 'somebody else')),
      badSession: change((record) => (record.session = { a: 1 })),
      badGeneration: change((record) => (record.generation = 1e400)),
      badTokens: change((record) => Object.assign(record, { access: [{ token: 5 }], refresh: ['x'] })),
      controlCharacters: change((record) => Object.assign(record, { access: [], refresh: 'a\r\nX-Evil: 1' })),
    };
    const states = {};
    for (const [kind, text] of Object.entries(texts)) {
      localStorage[key] = text;
      kit.make({ store: kit.local() });
      await kit.until(() => auth.state !== 'restoring');
      states[kind] = [auth.state, ...kit.types()].join();
      auth.dispose();
    }
    // And the store still works afterwards.
    await kit.signedIn({ store: kit.local() });
    return { states, kinds: Object.keys(texts) };
  }, KEY);
  assert.ok(kinds.length >= 20);
  assert.deepEqual(states, Object.fromEntries(kinds.map((kind) => [kind, 'signedOut'])));
  assert.equal((await server.ledger()).refreshes, 0);
});

test('a record of a newer version is neither read nor overwritten', async ({ page }) => {
  await page.open();
  const outcome = await page.run(async (key) => {
    const newer = '{"schema":2,"name":"default","tokens":"of the future"}';
    localStorage[key] = newer;
    await kit.signedIn({ store: kit.local() });
    const { status } = await auth.fetch('/api/me');
    await auth.signOut();
    return { status, untouched: localStorage[key] === newer, types: kit.types() };
  }, KEY);
  assert.equal(outcome.status, 200);
  assert.equal(outcome.untouched, true);
  assert.deepEqual(outcome.types.toSorted(), ['persistFailed', 'sessionEnded', 'sessionStarted']);
});

test('a store that throws costs durability, not the session, and is told once', async ({ page, server }) => {
  await page.open();
  const outcome = await page.run(async () => {
    const fail = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
    await kit.signedIn({ store: { get: fail, set: fail, remove: fail } });
    await auth.refresh({ force: true });
    return { status: (await auth.fetch('/api/me')).status, types: kit.types(), state: auth.state };
  });
  assert.deepEqual([outcome.status, outcome.state], [200, 'active']);
  assert.equal(outcome.types.filter((type) => type === 'persistFailed').length, 1);
  assert.equal((await server.ledger()).refreshes, 1);
});

test('an asynchronous store works alike, and calls wait for it', async ({ page, server }) => {
  await page.open();
  const outcome = await page.run(async () => {
    const later = (value) => new Promise((resolve) => setTimeout(resolve, 200, value));
    const texts = new Map();
    const store = {
      get: (key) => later(texts.get(key)),
      set: async (key, text) => void (await later(texts.set(key, text))),
      remove: async (key) => void (await later(texts.delete(key))),
    };
    await kit.signedIn({ store });
    auth.dispose();
    kit.make({ store });
    const state = auth.state;
    const { status } = await auth.fetch('/api/me');
    return { state, status, after: auth.state };
  });
  assert.deepEqual(outcome, { state: 'restoring', status: 200, after: 'active' });
  assert.equal((await server.ledger()).refreshes, 0);
});

test('managers of different names do not mix', async ({ page }) => {
  await page.open();
  const outcome = await page.run(async () => {
    await kit.signedIn({ name: 'one', store: kit.local() });
    const { state } = kit.make({ name: 'two', store: kit.local() }).auth;
    return { state, keys: Object.keys(localStorage) };
  });
  assert.deepEqual(outcome, { state: 'signedOut', keys: ['evertoken:one'] });
});

test("adoptFrom takes over an app's old keys once and removes them", async ({ page, server }) => {
  await page.open();
  const outcome = await page.run(async () => {
    const { access_token, refresh_token } = await kit.login();
    Object.assign(localStorage, { jwt: access_token, refreshJwt: refresh_token });
    kit.make({ adoptFrom: { access: 'jwt', refresh: 'refreshJwt' }, store: kit.session() });
    await kit.event('sessionStarted');
    const { status } = await auth.fetch('/api/me');
    await auth.refresh({ force: true });
    return { status, keys: Object.keys(localStorage), state: auth.state };
  });
  assert.deepEqual(outcome, { status: 200, keys: [], state: 'active' });
  assert.equal((await server.ledger()).refreshes, 1);
});
