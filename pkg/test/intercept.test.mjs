import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE, backend, managerOf, signIn } from './support.mjs';

test('intercept replaces fetch, and is undone in any order', PATIENCE, async (t) => {
  const api = await backend(t);
  const other = await backend(t);
  const first = managerOf(t, api);
  const second = managerOf(t, other, { name: 'second' });
  const original = globalThis.fetch;
  t.after(() => (globalThis.fetch = original));
  const pairs = [api.grant(), other.grant()];
  await first.setTokens(pairs[0]);
  await second.setTokens(pairs[1]);
  const undoFirst = first.intercept();
  assert.equal(first.intercept(), undoFirst);
  const undoSecond = second.intercept();
  assert.equal(globalThis.fetch.length, 1);
  assert.equal(globalThis.fetch.name, 'fetch');
  assert.equal((await fetch(`${api.url}/a`)).status, 200);
  assert.equal((await fetch(`${other.url}/a`)).status, 200);
  assert.equal((await first.fetch(`${api.url}/b`)).status, 200);
  assert.equal((await fetch(`${api.url}/a`, { auth: 'omit' })).status, 401);
  assert.equal((await first.fetch(`${api.url}/a`, { auth: 'omit' })).status, 401);
  assert.equal(api.seen.length, 4);
  undoFirst();
  assert.equal((await fetch(`${api.url}/a`)).status, 401);
  assert.equal((await fetch(`${other.url}/a`)).status, 200);
  undoSecond();
  assert.equal(globalThis.fetch, original);
  undoSecond();
  undoFirst();
  assert.equal(globalThis.fetch, original);
  const target = Object.create({ fetch: original });
  const undo = first.intercept(target);
  assert.equal((await target.fetch(`${api.url}/a`)).status, 200);
  undo();
  assert.equal(Object.hasOwn(target, 'fetch'), false);
});

test('another library’s wrapper over ours survives, and ours becomes transparent', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  await auth.setTokens(api.grant());
  const original = globalThis.fetch;
  t.after(() => (globalThis.fetch = original));
  const undo = auth.intercept();
  const ours = globalThis.fetch;
  const wrapper = async (input, init) => {
    await undefined;
    return ours(input, { ...init });
  };
  globalThis.fetch = wrapper;
  assert.equal((await auth.fetch(`${api.url}/a`, { auth: 'omit' })).status, 401);
  assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
  undo();
  assert.equal(globalThis.fetch, wrapper);
  assert.equal((await fetch(`${api.url}/a`)).status, 401);
  auth.dispose();
  assert.equal(globalThis.fetch, wrapper);
  // One that is disposed puts nothing in the page's way.
  auth.intercept()();
  auth.intercept();
  assert.equal(globalThis.fetch, wrapper);
});

test('a token request passes through no other manager, however its fetch is wrapped', PATIENCE, async (t) => {
  const api = await backend(t);
  const original = globalThis.fetch;
  t.after(() => (globalThis.fetch = original));
  const first = managerOf(t, api, { name: 'first' });
  await first.setTokens(api.grant());
  for (const wrap of [(ours) => ours, (ours) => async (input, init) => (await undefined, ours(input, { ...init }))]) {
    const undo = first.intercept();
    const ours = globalThis.fetch;
    globalThis.fetch = wrap(ours);
    const second = managerOf(t, api, { name: 'second', refresh: `${api.url}/second` });
    globalThis.fetch = ours;
    api.on.set('/second', api.refresh);
    await second.setTokens(api.grant());
    await second.refresh({ force: true });
    undo();
  }
  assert.deepEqual(
    api.to('/second').map(({ token }) => token),
    [undefined, undefined],
  );
});

test('in the window of a frame a relative URL means what it means there', PATIENCE, async (t) => {
  const page = 'https://app.example';
  globalThis.location = { href: `${page}/shop/cart`, origin: page };
  t.after(() => delete globalThis.location);
  const auth = managerOf(t, {}, { refresh: '/refresh', attachTo: [] });
  await auth.setTokens(signIn());
  const frame = (baseURI) => ({
    document: { baseURI },
    location: { href: 'about:srcdoc' },
    // As the native one of that frame: it has a base of its own.
    async fetch(input, init) {
      const request = input instanceof Request ? input : new Request(new URL(input, baseURI), init);
      sent.push([request.url, request.headers.has('authorization')]);
      return new Response();
    },
  });
  const sent = [];
  for (const base of [`${page}/mail/`, 'https://stranger.example/mail/']) {
    const target = frame(base);
    const undo = auth.intercept(target);
    await target.fetch('list');
    await target.fetch('list', { headers: new Headers() });
    undo();
  }
  assert.deepEqual(sent, [
    ['https://app.example/mail/list', true],
    ['https://app.example/mail/list', true],
    ['https://stranger.example/mail/list', false],
    ['https://stranger.example/mail/list', false],
  ]);
});
