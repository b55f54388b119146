import assert from 'node:assert/strict';
import { test } from 'node:test';
import { local, memory, session } from '../dist/index.js';
import { PATIENCE, backend, managerOf, next } from './support.mjs';

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Web storage as pages have it. */
function fakeStorage(t, name, texts = new Map()) {
  const storage = {
    getItem: (key) => texts.get(key) ?? null,
    setItem: (key, text) => void texts.set(key, text),
    removeItem: (key) => void texts.delete(key),
  };
  Object.defineProperty(globalThis, name, { configurable: true, get: () => storage });
  t.after(() => delete globalThis[name]);
  return texts;
}

test('a manager starts from what the store has; another name sees nothing of it', PATIENCE, async (t) => {
  const api = await backend(t);
  const store = memory();
  const first = managerOf(t, api, { store });
  const pair = api.grant();
  await first.setTokens(pair);
  assert.match(await store.get('evertoken:default'), /"schema"/);
  first.dispose();
  assert.equal(managerOf(t, api, { store, name: 'other' }).state, 'signedOut');
  const second = managerOf(t, api, { store });
  assert.equal(second.state, 'active');
  assert.equal(await second.getAccessToken(), pair.access_token);
  assert.equal(api.seen.length, 0);
});

test('requests wait for a store that takes its time', PATIENCE, async (t) => {
  const api = await backend(t);
  const inner = memory();
  const slow =
    (run) =>
    async (...args) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return run(...args);
    };
  const store = { get: slow(inner.get), set: slow(inner.set), remove: slow(inner.remove) };
  const first = managerOf(t, api, { store });
  const bare = first.fetch(`${api.url}/a`);
  assert.equal(first.state, 'restoring');
  assert.equal((await bare).status, 401);
  assert.equal(api.to('/a')[0].headers.authorization, undefined);
  await first.setTokens(api.grant());
  first.dispose();
  const second = managerOf(t, api, { store });
  assert.equal((await second.fetch(`${api.url}/a`)).status, 200);
});

for (const [name, make] of [
  ['localStorage', local],
  ['sessionStorage', session],
]) {
  test(`${make.name}() keeps the session in ${name}, looked up at each use`, PATIENCE, async (t) => {
    const api = await backend(t);
    const store = make();
    const texts = fakeStorage(t, name);
    const auth = managerOf(t, api, { store, name: 'shop' });
    await auth.setTokens(api.grant());
    assert.deepEqual([...texts.keys()], ['evertoken:shop']);
  });
}

test('storage that throws or is missing costs durability, not the session, and is told once', PATIENCE, async (t) => {
  const api = await backend(t);
  const get = () => {
    throw new DOMException('denied', 'SecurityError');
  };
  Object.defineProperty(globalThis, 'localStorage', { configurable: true, get });
  Object.defineProperty(globalThis, 'sessionStorage', { configurable: true, value: null });
  t.after(() => {
    delete globalThis.localStorage;
    delete globalThis.sessionStorage;
  });
  for (const store of [
    local(),
    session(),
    { get, set: get, remove: get },
    { get: async () => get(), set: async () => get(), remove: get },
  ]) {
    const auth = managerOf(t, api, { store });
    let failures = 0;
    auth.on('persistFailed', () => failures++);
    await auth.setTokens(api.grant());
    await auth.refresh({ force: true });
    assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
    await turn();
    assert.equal(failures, 1);
  }
});

test('what an app kept before is taken over once, and then removed there', PATIENCE, async (t) => {
  const api = await backend(t);
  const pair = api.grant();
  const old = [
    ['access', pair.access_token],
    ['refresh', pair.refresh_token],
    ['other', 'stays'],
  ];
  for (const name of ['localStorage', 'sessionStorage']) {
    fakeStorage(t, 'localStorage');
    const texts = fakeStorage(t, name, new Map(old));
    const store = { ...memory() };
    const auth = managerOf(t, api, { store, adoptFrom: { access: 'access', refresh: 'refresh' } });
    // Before anybody can ask.
    assert.equal(auth.state, 'active');
    assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
    await turn();
    assert.deepEqual([...texts], [['other', 'stays']]);
    auth.dispose();
    for (const [key, text] of old) texts.set(key, text);
    const again = managerOf(t, api, { store, adoptFrom: { access: 'access', refresh: 'refresh' } });
    await turn();
    assert.equal(again.state, 'active');
    assert.equal(texts.size, 3);
    delete globalThis[name];
  }
});

test('what an app kept before is taken over from a slow store as soon as it has answered', PATIENCE, async (t) => {
  const api = await backend(t);
  fakeStorage(t, 'localStorage', new Map([['access', api.grant().access_token]]));
  const store = { ...memory(), get: () => new Promise((resolve) => setTimeout(resolve, 20)) };
  const auth = managerOf(t, api, { store, adoptFrom: { access: 'access' } });
  await next(auth, 'sessionStarted');
  assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
});
