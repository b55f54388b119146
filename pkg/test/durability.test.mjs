import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memory } from '../dist/index.js';
import { PATIENCE, backend, managerOf, next, passTime } from './support.mjs';

/** A store that others see too, and that can be told to refuse. */
function shared() {
  const texts = new Map();
  const store = {
    texts,
    refuses: [],
    get: (key) => (store.check('get'), texts.get(key)),
    set: (key, text) => (store.check('set'), void texts.set(key, text)),
    remove: (key) => (store.check('remove'), void texts.delete(key)),
    check(what) {
      if (store.refuses.includes(what)) throw new DOMException('full', 'QuotaExceededError');
    },
  };
  return store;
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

function oldKeys(t, entries) {
  const texts = new Map(Object.entries(entries));
  globalThis.localStorage = {
    getItem: (key) => texts.get(key) ?? null,
    removeItem: (key) => void texts.delete(key),
  };
  t.after(() => delete globalThis.localStorage);
  return texts;
}

test('a write that failed once does not hide what others store later', PATIENCE, async (t) => {
  const api = await backend(t);
  const store = shared();
  const first = managerOf(t, api, { store });
  await first.setTokens(api.grant());
  store.refuses = ['set'];
  await first.refresh({ force: true });
  store.refuses = [];
  const second = managerOf(t, api, { store });
  await second.signOut();
  passTime(t, 3_000);
  await assert.rejects(first.refresh({ force: true }), { code: 'session_ended' });
  assert.equal(first.state, 'signedOut');
});

test('a late write does not undo a newer one', PATIENCE, async (t) => {
  const api = await backend(t);
  const store = shared();
  const held = [];
  const set = (key, text) => new Promise((resolve) => held.push(() => resolve(store.set(key, text))));
  const auth = managerOf(t, api, { store: { get: store.get, remove: store.remove, set } });
  void auth.setTokens(api.grant());
  void auth.setTokens(api.grant({ sub: 'bob' }), { session: 'new' });
  // The engine itself gives up the first write after some seconds, and makes the next.
  for (let n = 0; n < 60 && held.length < 2; n++) await new Promise((resolve) => setTimeout(resolve, 100));
  while (held.length) {
    held.pop()();
    await turn();
    await turn();
  }
  const stored = managerOf(t, api, { store });
  assert.equal(stored.getSnapshot().subject, 'bob');
});

test('a sign-out that the store cannot be told of removes the text, or says that it could not', PATIENCE, async (t) => {
  const api = await backend(t);
  const store = shared();
  const auth = managerOf(t, api, { store });
  await auth.setTokens(api.grant());
  store.refuses = ['set'];
  await auth.signOut();
  assert.equal(store.texts.size, 0);
  store.refuses = [];
  assert.equal(managerOf(t, api, { store }).state, 'signedOut');
  await auth.setTokens(api.grant());
  store.refuses = ['set', 'remove'];
  const told = next(auth, 'persistFailed');
  await auth.signOut();
  await told;
});

test('a sign-out right before a sign-in takes nothing of the new session away', PATIENCE, async (t) => {
  const api = await backend(t);
  const store = shared();
  const slow = { get: store.get, remove: store.remove, set: async (...args) => (await turn(), store.set(...args)) };
  const auth = managerOf(t, api, { store: slow });
  await auth.setTokens(api.grant());
  await Promise.all([auth.signOut(), auth.setTokens(api.grant({ sub: 'bob' }))]);
  await turn();
  assert.equal(managerOf(t, api, { store }).getSnapshot().subject, 'bob');
});

test('after dispose a sign-out fails and removes nothing', PATIENCE, async (t) => {
  const api = await backend(t);
  const store = shared();
  const auth = managerOf(t, api, { store });
  await auth.setTokens(api.grant());
  auth.dispose();
  await assert.rejects(auth.signOut(), { code: 'disposed' });
  assert.equal(managerOf(t, api, { store }).state, 'active');
});

test('a store that cannot be read is told of once', PATIENCE, async (t) => {
  const api = await backend(t);
  for (const wrap of [(get) => get, (get) => async () => get()]) {
    const store = shared();
    store.refuses = ['get'];
    const auth = managerOf(t, api, { store: { get: wrap(store.get), set: store.set, remove: store.remove } });
    let failures = 0;
    auth.on('persistFailed', () => failures++);
    await auth.fetch(`${api.url}/a`);
    await turn();
    assert.equal(failures, 1);
  }
});

test('what was kept as JSON is taken over as it was meant', PATIENCE, async (t) => {
  const api = await backend(t);
  const pair = api.grant();
  const texts = oldKeys(t, { at: JSON.stringify(pair.access_token), rt: JSON.stringify(pair.refresh_token) });
  const auth = managerOf(t, api, { store: shared(), adoptFrom: { access: 'at', refresh: 'rt' } });
  assert.equal(await auth.getAccessToken(), pair.access_token);
  await auth.refresh({ force: true });
  assert.equal(JSON.parse(api.to('/refresh')[0].body).refresh_token, pair.refresh_token);
  assert.equal(texts.size, 0);
});

test('old keys stay when the store fails or nothing is taken over, and the log says so', PATIENCE, async (t) => {
  const api = await backend(t);
  const pair = api.grant();
  for (const [entries, options] of [
    [{ at: pair.access_token, rt: pair.refresh_token }, {}],
    [{ at: 'not a token\n', rt: '' }, {}],
  ]) {
    const store = shared();
    store.refuses = ['set'];
    const texts = oldKeys(t, entries);
    const logged = [];
    const log = ({ level, message }) => level === 'error' && logged.push(message);
    managerOf(t, api, { store, adoptFrom: { access: 'at', refresh: 'rt' }, log, ...options });
    await turn();
    await turn();
    assert.equal(texts.size, 2);
    assert.equal(logged.length, 1);
  }
});

test('taking over into a store that forgets is a mistake', PATIENCE, async (t) => {
  const api = await backend(t);
  for (const options of [{}, { store: memory() }]) {
    assert.throws(() => managerOf(t, api, { ...options, adoptFrom: { access: 'at' } }), {
      name: 'TypeError',
      message: /^option "adoptFrom": expected a store that outlives/,
    });
  }
});
