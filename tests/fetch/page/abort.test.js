// A caller that leaves, leaves at once and alone, at every stage. And nobody waits for ever.

import { after, caught, collectGarbage, engine, equal, evertoken, fault, login, make, ok, oldLogin, outcome, pass, refreshes, seen, sleep, test, tokenOf, unique, until, wire, withExpired, withRefused } from './kit.js';

const mine = { why: 'mine' };
const guarded = (query) => wire({ guard: 1, ...query });

/**
 * Begins a call that leaves and one that stays; aborts the first once `stage()` holds. The first rejects with its own
 * reason before anything else can happen, the other is served.
 */
async function leaving(auth, stage, k, afterwards = () => {}) {
  const controller = new AbortController();
  const left = auth.fetch(guarded({ k, leaver: 1 }), { signal: controller.signal, headers: new Headers({ 'X-A': '1' }) });
  const plain = auth.fetch(guarded({ k, leaver: 2 }), { signal: controller.signal });
  const request = auth.fetch(new Request(guarded({ k, leaver: 3 }), { method: 'POST', body: 'x', signal: controller.signal }));
  const stayed = auth.fetch(guarded({ k, stayer: 1 }));
  const all = [left, plain, request].map(outcome);
  await stage();
  const before = (await seen(`k=${k}&leaver`)).length;
  let task = false;
  // (Before all that an abort may put off.)
  setTimeout(() => (task = true));
  controller.abort(mine);
  for (const { error } of await Promise.all(all)) equal(error === mine, true, 'its own reason:');
  ok(!task, 'the rejection in the same task');
  afterwards();
  equal((await stayed).status, 200);
  await sleep(50);
  equal((await seen(`k=${k}&leaver`)).length, before, 'requests of who has left:');
  equal(auth.metrics().refreshed, 1);
}

/** A promise, and what resolves it. */
function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return [opened, open];
}

test('an abort while the refresh is waited for', async () => {
  const auth = await withExpired({}, { path: '/auth/refresh', times: 1, latency_ms: 600 });
  const k = unique();
  await leaving(auth, () => until(async () => (await seen('/auth/refresh')).length), k);
  equal((await seen(`k=${k}&leaver`)).length, 0);
});

test('an abort by one of several signals, joined by one that only the call has', async () => {
  const auth = await withExpired({}, { path: '/auth/refresh', times: 1, latency_ms: 600 });
  const controller = new AbortController();
  const joined = () => AbortSignal.any([controller.signal, new AbortController().signal]);
  const k = unique();
  const calls = [
    auth.fetch(wire({ k }), { signal: joined() }),
    auth.fetch(wire({ k }), { signal: joined(), headers: new Headers() }),
    auth.fetch(new Request(wire({ k }), { signal: joined() })),
    auth.fetch(new Request(wire({ k }), { method: 'POST', body: 'x' }), { signal: joined() }),
    auth.getAccessToken({ signal: joined() }),
  ].map(outcome);
  await until(async () => (await seen('/auth/refresh')).length);
  collectGarbage();
  controller.abort(mine);
  for (const { error } of await Promise.all(calls)) equal(error === mine, true, 'the reason:');
  equal(await seen(k), []);
});

test('an abort in the turn of the call', async () => {
  const auth = await withExpired({}, { path: '/auth/refresh', times: 1, latency_ms: 600 });
  const k = unique();
  await leaving(auth, () => {}, k);
});

test('an abort while another tab has the lock', async () => {
  const name = unique();
  const [held, release] = gate();
  after(release);
  await new Promise((granted) => void navigator.locks.request(`evertoken:${name}`, () => (granted(), held)));
  const auth = await withExpired({ name, store: evertoken.local() });
  const queued = async () => (await navigator.locks.query()).pending.some((lock) => lock.name === `evertoken:${name}`);
  const k = unique();
  await leaving(auth, () => until(queued), k, release);
  equal((await seen(`k=${k}&leaver`)).length, 0);
});

test('an abort while the store is read', async () => {
  const name = unique();
  const texts = new Map();
  const [open, answer] = gate();
  after(answer);
  const shared = { set: (key, text) => void texts.set(key, text), remove: (key) => void texts.delete(key) };
  (await withExpired({ name, store: { ...shared, get: (key) => texts.get(key) } })).dispose();
  const auth = make({ name, store: { ...shared, get: (key) => open.then(() => texts.get(key)) } });
  const k = unique();
  await leaving(auth, () => equal(auth.state, 'restoring'), k, answer);
  equal((await seen(`k=${k}&leaver`)).length, 0);
});

test('an abort while the refresh backs off', async () => {
  const auth = await withExpired({ retryDelay: 1 }, { path: '/auth/refresh', times: 1, status: 503 });
  await leaving(auth, () => until(() => auth.events.some(({ type }) => type === 'retryScheduled')), unique());
});

test('an abort while a 401 is being recovered from', async () => {
  const auth = await withRefused();
  await fault({ path: '/auth/refresh', times: 1, latency_ms: 600 });
  const k = unique();
  await leaving(auth, () => until(async () => (await seen('/auth/refresh')).length), k);
  equal((await seen(`k=${k}&leaver`)).map(({ status }) => status), [401, 401, 401]);
});

test('an abort while the request is sent again', async () => {
  const auth = await withRefused();
  const controller = new AbortController();
  const k = unique();
  const left = outcome(auth.fetch(guarded({ k, wait: 400 }), { signal: controller.signal }));
  await until(async () => (await seen(k)).length === 2);
  controller.abort(mine);
  const { error } = await left;
  // Of a request that is under way WebKit itself tells no reason.
  ok(error === mine || (engine === 'webkit' && error.name === 'AbortError'), 'its own reason');
});

test('an abort while the answer to the second send is read', async () => {
  const auth = await withRefused();
  const controller = new AbortController();
  const response = await auth.fetch(guarded({ text: 'abcdef', chunks: 3, gap: 300 }), { signal: controller.signal });
  const reader = response.body.getReader();
  await reader.read();
  controller.abort(mine);
  const { error } = await outcome(reader.read());
  ok(error === mine || error?.name === 'AbortError', 'the reader to fail');
});

test('a timeout of the caller spans the refresh, too', async () => {
  const auth = await withExpired({}, { path: '/auth/refresh', times: 1, latency_ms: 800 });
  const k = unique();
  const error = await caught(auth.fetch(wire({ k }), { signal: AbortSignal.timeout(100) }));
  equal(error.name, 'TimeoutError');
  await until(async () => (await refreshes()) === 1);
  equal(await seen(k), []);
});

test('when all leave, the refresh goes on', async () => {
  const auth = await withExpired({}, { path: '/auth/refresh', times: 1, latency_ms: 400 });
  const controller = new AbortController();
  const { signal } = controller;
  const calls = [auth.fetch(wire(), { signal }), auth.getAccessToken({ signal }), auth.refresh({ signal })].map(outcome);
  await until(async () => (await seen('/auth/refresh')).length);
  controller.abort(mine);
  for (const { error } of await Promise.all(calls)) equal(error === mine, true);
  await until(() => auth.events.some(({ type }) => type === 'refreshed'));
  equal((await seen('/auth/refresh')).map(({ cut, status }) => [cut, status]), [[false, 200]]);
});

test('a refresh that never answers ends at its deadline', { expected: { abandoned: 1 } }, async () => {
  const auth = await withExpired({ attemptTimeout: 1, retries: 0 }, { path: '/auth/refresh', times: null, hang: true });
  const k = unique();
  const error = await caught(auth.fetch(wire({ k })));
  equal([error.code, error.transient], ['refresh_unavailable', true]);
  equal(await seen(k), []);
});

test('nobody waits longer than maxWait', { expected: { abandoned: 1 } }, async () => {
  const auth = await withExpired({ maxWait: 1 }, { path: '/auth/refresh', times: null, hang: true });
  const errors = await Promise.all([auth.fetch(wire()), auth.getAccessToken(), auth.run(() => {})].map(caught));
  equal(errors.map(({ code }) => code), Array(3).fill('refresh_unavailable'));
});

/** A call while the token endpoint answers like this. */
async function refreshedBy(query) {
  const answer = await oldLogin();
  const auth = make({ refresh: wire(query).replace('wire', 'wire/refresh'), attemptTimeout: 1, retries: 0 });
  await auth.setTokens(answer);
  const k = unique();
  const error = await caught(auth.fetch(wire({ k })));
  equal([error.code, auth.state], ['refresh_unavailable', 'stale']);
  equal(await seen(k), []);
}

test('a refresh that answers with ten megabytes is cut', async () => {
  await refreshedBy({ length: 10_000_000, type: 'application/json', chunks: 20, gap: 50 });
  await until(async () => (await seen('/wire/refresh'))[0].cut, 'the server to see its answer cut');
});

test('a refresh that answers byte by byte ends at its deadline, and is cut after a minute', async () => {
  await refreshedBy({ length: 100_000, type: 'application/json', chunks: 100_000, gap: 20 });
  pass(61_000);
  await until(async () => (await seen('/wire/refresh'))[0].cut, 'the server to see its answer cut');
  // (The oldest of more than three would be.)
  ok((await seen('/wire/refresh')).length <= 3, 'no more than three requests by then');
});

test('the session ends while a request waits: nothing is sent', async () => {
  const auth = await withExpired({}, { path: '/auth/refresh', times: 1, status: 400, body: { error: 'invalid_grant' }, latency_ms: 200 });
  const k = unique();
  equal((await caught(auth.fetch(wire({ k })))).code, 'session_ended');
  equal(await seen(k), []);
});

test('another user signs in while a request waits: it is not sent with that user’s token', { expected: { abandoned: 1 } }, async () => {
  const auth = await withExpired({}, { path: '/auth/refresh', times: 1, hang: true });
  const k = unique();
  const waiting = caught(auth.fetch(wire({ k })));
  await until(async () => (await seen('/auth/refresh')).length);
  const other = await login({ email: 'bob@example.com' });
  await auth.setTokens(other);
  equal((await waiting).code, 'session_changed');
  equal(await seen(k), []);
  equal((await auth.fetch(wire({ k }))).status, 200);
  equal((await seen(k)).map(tokenOf), [other.access_token]);
});
