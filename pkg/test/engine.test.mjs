import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { guard } from '../dist/guard.js';
import { localHost } from '../dist/host.js';
import { inlineSource } from '../dist/loader.js';
import { build } from '../dist/manager.js';
import { PATIENCE, backend, fragile, jumpClock, next, passTime } from './support.mjs';

/** An engine that could as well live in a worker: everything that crosses is copied. */
const copied = (crossings) => (source, surroundings, sink) => {
  const copy = (args) => {
    crossings.push(args);
    return structuredClone(args);
  };
  const inner = Object.fromEntries(
    Object.entries(sink).map(([name, push]) => [name, (...args) => push(...copy(args))]),
  );
  const [entries] = copy([surroundings.entries]);
  const host = localHost(source, { ...surroundings, entries }, inner);
  return { call: (...args) => host.call(...copy(args)), inspect: (what) => structuredClone(host.inspect(what)) };
};

test('all that crosses between facade and engine is plain data', PATIENCE, async (t) => {
  const api = await backend(t);
  const crossings = [];
  const options = { refresh: `${api.url}/refresh`, server: 'per-request', attachTo: [api.url], log: 'off', retries: 0 };
  const auth = build(options, inlineSource, copied(crossings));
  t.after(() => auth.dispose());
  const events = [];
  auth.on('*', ({ type }) => events.push(type));
  await auth.setTokens(api.grant());
  api.valid.clear();
  passTime(t, 3_000);
  assert.equal((await auth.fetch(`${api.url}/a`, { method: 'POST', body: 'x' })).status, 200);
  await auth.refresh({ force: true });
  auth.metrics();
  auth.diagnostics();
  api.on.set('/refresh', (response) => response.writeHead(400).end('{"error":"invalid_grant"}'));
  passTime(t, 700_000);
  await assert.rejects(auth.getAccessToken(), { code: 'session_ended' });
  await auth.signOut();
  auth.stop();
  auth.start();
  assert.deepEqual([...new Set(events)], ['sessionStarted', 'refreshed', 'refreshFailed', 'sessionEnded']);
  assert.ok(crossings.length > 20);
});

/** A working manager, and how often the engine was asked for a token. */
async function asked(t) {
  const api = await backend(t);
  const crossings = [];
  const options = { refresh: `${api.url}/refresh`, server: 'per-request', attachTo: [api.url], log: 'off' };
  const auth = build(options, inlineSource, copied(crossings));
  t.after(() => auth.dispose());
  await auth.setTokens(api.grant());
  return { api, auth, needs: () => crossings.filter(([, op]) => op === 'need').length };
}

test('a good token is sent without asking the engine, until a clock jumps', PATIENCE, async (t) => {
  const { api, auth, needs } = await asked(t);
  const send = async () => assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
  await send();
  await send();
  assert.equal(needs(), 0);
  // More than a minute by one clock alone; then back; then the other one goes back.
  jumpClock(t, 61_000);
  await send();
  assert.equal(needs(), 1);
  jumpClock(t, -60_500);
  await send();
  await send();
  const before = needs();
  jumpClock(t, -1_000);
  await send();
  assert.ok(needs() > before);
  assert.equal(api.to('/refresh').length, 0);
});

test('callers that come together share one question to the engine', PATIENCE, async (t) => {
  const { api, auth, needs } = await asked(t);
  passTime(t, 601_000);
  await Promise.all(Array.from({ length: 100 }, () => auth.fetch(`${api.url}/a`)));
  assert.equal(needs(), 1);
  passTime(t, 601_000);
  await Promise.all(Array.from({ length: 100 }, () => auth.getAccessToken()));
  assert.equal(needs(), 2);
});

test('what an engine tells while the manager is made is heard by who listens right after', PATIENCE, async () => {
  const early = (_source, _surroundings, sink) => {
    sink.event({ type: 'persistFailed' });
    return { call() {}, inspect() {} };
  };
  const options = { refresh: null, server: 'per-request', attachTo: ['https://api.example'], log: 'off' };
  const auth = build(options, inlineSource, early);
  assert.deepEqual(await next(auth, 'persistFailed'), { type: 'persistFailed' });
});

/** `(module (func (export "trap") unreachable) (func (export "seven") (result i32) i32.const 7))` and a memory. */
const TRAP = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 2, 96, 0, 0, 96, 0, 1, 127, 3, 3, 2, 0, 1, 5, 3, 1, 0, 1, 7, 22, 3, 4, 116, 114,
  97, 112, 0, 0, 5, 115, 101, 118, 101, 110, 0, 1, 3, 109, 101, 109, 2, 0, 10, 10, 2, 3, 0, 0, 11, 4, 0, 65, 7, 11,
]);

test('a trap is told once and thrown on; after it nothing enters the instance', () => {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(TRAP));
  let deaths = 0;
  const guarded = guard(exports, () => deaths++);
  assert.equal(guarded.seven(), 7);
  assert.equal(guarded.mem, exports.mem);
  assert.throws(() => guarded.trap(), WebAssembly.RuntimeError);
  assert.deepEqual(guarded.seven(), []);
  assert.deepEqual(guarded.trap(), []);
  assert.equal(deaths, 1);
});

test('an exception that is no trap kills nothing', () => {
  const error = { option: 'lead' };
  const guarded = guard(
    {
      fails: () => {
        throw error;
      },
      works: () => 1,
    },
    () => assert.fail('dead'),
  );
  assert.throws(
    () => guarded.fails(),
    (thrown) => thrown === error,
  );
  assert.equal(guarded.works(), 1);
});

test('a crashed engine comes back with the session; only what was in flight fails', PATIENCE, async (t) => {
  const { api, auth, deaths, ...engine } = await fragile(t);
  const hanging = new Promise((resolve) => api.on.set('/refresh', resolve));
  const inFlight = auth.refresh({ force: true });
  const failed = assert.rejects(inFlight, { name: 'InternalError', code: 'internal', transient: true });
  const late = await hanging;
  engine.break();
  await assert.rejects(auth.getAccessToken({ minValidity: 3_000 }), { code: 'internal' });
  await failed;
  assert.equal(deaths.length, 1);
  const told = next(auth, 'refreshed');
  api.on.delete('/refresh');
  assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
  assert.equal(auth.state, 'active');
  // The answer to the dead engine is nobody's; the new one refreshes by itself.
  api.refresh(late);
  await auth.refresh({ force: true });
  assert.equal((await told).generation, 2);
});

test(
  'a crash within a callback of the engine is repaired as well, and goes where uncaught errors go',
  PATIENCE,
  async () => {
    // In a process of its own: here an uncaught error would be this test's failure.
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [new URL('crash.mjs', import.meta.url).pathname],
      PATIENCE,
    );
    assert.deepEqual(JSON.parse(stdout), { code: 'internal', deaths: 1, uncaught: ['RuntimeError'], status: 200 });
  },
);

test('a session that could not be stored survives a crash', PATIENCE, async (t) => {
  const { api, auth, ...engine } = await fragile(t, {
    store: { get: () => undefined, set: () => Promise.reject(new Error('full')), remove() {} },
  });
  engine.break();
  await assert.rejects(auth.refresh({ force: true }), { code: 'internal' });
  assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
});

test('one that was stopped stays stopped after a crash', PATIENCE, async (t) => {
  const { auth, ...engine } = await fragile(t);
  auth.stop();
  engine.break();
  await assert.rejects(auth.refresh({ force: true }), { code: 'internal' });
  assert.ok((await auth.getAccessToken()).length > 0);
  assert.equal(auth.getSnapshot().refreshAt, undefined);
  auth.start();
  assert.ok(auth.getSnapshot().refreshAt > 0);
});

test('an engine that crashes again and again is given up', PATIENCE, async (t) => {
  const { api, auth, deaths, ...engine } = await fragile(t);
  for (let n = 0; n < 4; n++) {
    engine.break();
    await assert.rejects(auth.refresh({ force: true }), { code: 'internal', transient: n < 3 });
  }
  await assert.rejects(auth.getAccessToken(), { code: 'internal', transient: false });
  await assert.rejects(auth.fetch(`${api.url}/a`), { code: 'internal' });
  assert.equal(deaths.length, 4);
  assert.deepEqual(auth.metrics(), {});
  auth.stop();
  auth.dispose();
  await assert.rejects(auth.getAccessToken(), { code: 'disposed' });
});

/** Runs out of stack within the wasm. */
function drown({ auth, deaths }) {
  const dive = () => {
    try {
      dive();
    } catch {
      // Each frame on the way up has a little more room than the one before: it ends within the wasm sooner or later.
      if (!deaths.length) auth.stop();
    }
  };
  try {
    dive();
  } catch {
    // The last frame had no room for anything.
  }
}

test('an engine that runs out of stack comes back when there is some', PATIENCE, async (t) => {
  const { api, auth, deaths } = await fragile(t);
  drown({ auth, deaths });
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.ok(deaths.length <= 1);
  assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
});

test('whoever waits for an engine that runs out of stack is told', PATIENCE, async (t) => {
  for (let round = 0; round < 25; round++) {
    const { api, auth, deaths } = await fragile(t);
    const held = new Promise((resolve) => api.on.set('/refresh', resolve));
    const wait = auth.refresh({ force: true }).catch(({ code }) => code);
    await held;
    drown({ auth, deaths });
    api.on.delete('/refresh');
    // A death that there was no stack to tell of is told at the next call.
    auth.touch();
    // Or it was stopped in time.
    assert.match(await wait, /^(internal|refresh_unavailable)$/);
    assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
    auth.dispose();
  }
});

test('a page that lets nobody listen has a manager all the same', PATIENCE, async (t) => {
  const refuse = () => {
    throw new Error('not here');
  };
  globalThis.document = { addEventListener: refuse, removeEventListener: refuse };
  t.after(() => delete globalThis.document);
  const api = await backend(t);
  const auth = build({ refresh: `${api.url}/refresh`, attachTo: [api.url], log: 'off' }, inlineSource);
  assert.equal(await auth.setTokens(api.grant()), 'started');
  assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
  auth.dispose();
  await assert.rejects(auth.getAccessToken(), { code: 'disposed' });
});

test('where WebAssembly is refused the manager is made, and its calls say why', PATIENCE, async (t) => {
  const api = await backend(t);
  const { Module } = WebAssembly;
  t.after(() => (WebAssembly.Module = Module));
  const { build } = await import('../dist/manager.js');
  const { compile } = await import('../dist/loader.js');
  WebAssembly.Module = function () {
    throw new WebAssembly.CompileError('blocked by a policy');
  };
  const entries = [];
  const options = { refresh: null, server: 'per-request', attachTo: [api.url], log: (entry) => entries.push(entry) };
  const auth = build(options, () => compile(TRAP));
  const blocked = { name: 'WasmBlockedError', code: 'wasm_blocked', message: /script-src 'wasm-unsafe-eval'/ };
  await assert.rejects(auth.setTokens(api.grant()), blocked);
  await assert.rejects(auth.fetch(`${api.url}/a`), blocked);
  assert.deepEqual(
    entries.map(({ level }) => level),
    ['error'],
  );
  // The session that is stored can go all the same.
  let removed;
  const store = { get: () => '{}', set: () => assert.fail('written'), remove: (key) => (removed = key) };
  const other = build({ ...options, store, log: 'off' }, () => compile(TRAP));
  await other.signOut();
  assert.equal(removed, 'evertoken:default');
  for (const manager of [auth, other]) manager.dispose();
});

test('where a browser compiles only asynchronously, calls wait and keep their order', PATIENCE, async (t) => {
  const api = await backend(t);
  let finish;
  const source = () => new Promise((resolve) => (finish = () => resolve(inlineSource())));
  const auth = build({ refresh: `${api.url}/refresh`, server: 'per-request', attachTo: [api.url], log: 'off' }, source);
  t.after(() => auth.dispose());
  assert.equal(auth.state, 'restoring');
  const order = [];
  const calls = [
    auth.setTokens(api.grant()).then((value) => order.push(value)),
    auth.getAccessToken().catch(({ code }) => order.push(code)),
    auth.signOut().then(() => order.push('out')),
  ];
  const begun = next(auth, 'sessionStarted');
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(order, []);
  finish();
  await begun;
  await Promise.all(calls);
  // What waits must not use the token of a session that is over in the same turn.
  assert.equal(order.length, 3);
  assert.deepEqual(order.sort(), ['out', 'session_ended', 'started']);
});

test('a module that cannot be had later fails what waits, and the next call tries again', PATIENCE, async (t) => {
  const api = await backend(t);
  let tries = 0;
  const source = () => (tries++ ? inlineSource() : Promise.reject(new Error('offline')));
  const auth = build({ refresh: null, server: 'per-request', attachTo: [api.url], log: 'off' }, source);
  t.after(() => auth.dispose());
  await assert.rejects(auth.getAccessToken(), { code: 'internal' });
  assert.equal(await auth.setTokens(api.grant()), 'started');
});
