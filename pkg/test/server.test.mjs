import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { createTokenManager, local } from '../dist/index.js';
import { PATIENCE, backend, managerOf, signIn } from './support.mjs';

const run = promisify(execFile);
const dist = new URL('../dist/index.js', import.meta.url);

test('outside a window or worker a manager is inert', PATIENCE, async (t) => {
  const store = {
    get: () => assert.fail('read'),
    set: () => assert.fail('written'),
    remove: () => assert.fail('removed'),
  };
  const api = await backend(t);
  const auth = createTokenManager({ refresh: '/auth/refresh', store, attachTo: [api.url] });
  const snapshot = auth.getSnapshot();
  assert.deepEqual(snapshot, { state: 'signedOut', generation: 0, refreshing: false });
  const failed = { name: 'ServerContextError', code: 'server_context', transient: false };
  await assert.rejects(auth.setTokens(signIn()), failed);
  await assert.rejects(auth.getAccessToken(), failed);
  await assert.rejects(auth.refresh(), failed);
  await assert.rejects(
    auth.run(() => assert.fail('run')),
    failed,
  );
  await auth.signOut();
  const { fetch } = globalThis;
  auth.intercept()();
  assert.equal(globalThis.fetch, fetch);
  assert.equal((await auth.fetch(`${api.url}/a`, { auth: 'omit' })).status, 401);
  assert.equal(api.seen[0].token, undefined);
  assert.equal(auth.peek(), undefined);
  assert.deepEqual(auth.metrics(), {});
  assert.deepEqual(auth.diagnostics(), { steps: [], unlisted: [] });
  auth.start();
  auth.stop();
  auth.on('*', () => assert.fail('event'))();
  auth.subscribe(() => assert.fail('change'))();
  assert.equal(auth.getSnapshot(), snapshot);
  assert.equal(auth.state, 'signedOut');
  auth.dispose();
  auth.dispose();
});

test('importing and creating leaves nothing behind that would keep a process alive', PATIENCE, async () => {
  const script = `
    const before = new Set(Reflect.ownKeys(globalThis));
    const { createTokenManager, local } = await import(${JSON.stringify(dist.href)});
    createTokenManager({ refresh: '/refresh', store: local() });
    const added = Reflect.ownKeys(globalThis).filter((key) => !before.has(key));
    console.log(JSON.stringify({ added: added.map(String), resources: process.getActiveResourcesInfo().filter((name) => name === 'Timeout') }));`;
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '--eval', script], PATIENCE);
  assert.deepEqual(JSON.parse(stdout), { added: [], resources: [] });
  assert.equal(stderr, '');
});

test('importing touches no global', PATIENCE, async () => {
  // Every getter that the package may want later throws while it is imported.
  const script = `
    const names = ['fetch', 'WebAssembly', 'crypto', 'performance', 'TextDecoder', 'TextEncoder', 'AbortController', 'Request', 'Headers', 'Response', 'localStorage', 'document', 'location', 'navigator', 'setTimeout'];
    const touched = [];
    const real = Object.fromEntries(names.map((name) => [name, globalThis[name]]));
    for (const name of names) Object.defineProperty(globalThis, name, { configurable: true, get() { touched.push(name); return real[name]; } });
    const { SourceTextModule } = await import('node:vm');
    const { readFile } = await import('node:fs/promises');
    const modules = new Map();
    async function load(url) {
      if (!modules.has(url.href)) modules.set(url.href, new SourceTextModule(await readFile(url, 'utf8'), { identifier: url.href }));
      return modules.get(url.href);
    }
    const root = await load(new URL(${JSON.stringify(dist.href)}));
    await root.link((specifier, from) => load(new URL(specifier, from.identifier)));
    touched.length = 0;
    await root.evaluate();
    const early = [...touched];
    process.stdout.write(JSON.stringify(early));`;
  const { stdout } = await run(
    process.execPath,
    ['--experimental-vm-modules', '--no-warnings', '--input-type=module', '--eval', script],
    PATIENCE,
  );
  assert.deepEqual(JSON.parse(stdout), []);
});

test('per-request managers never mix their users', PATIENCE, async (t) => {
  const api = await backend(t);
  api.on.set('/me', (response, { token }) => setTimeout(() => response.end(token), Math.random() * 5));
  const render = async (n) => {
    const auth = managerOf(t, api);
    const pair = api.grant({ sub: `user ${n}` });
    await auth.setTokens(pair);
    const tokens = await Promise.all([1, 2, 3].map(async () => (await auth.fetch(`${api.url}/me`)).text()));
    auth.dispose();
    for (const token of tokens) assert.equal(token, pair.access_token);
  };
  await Promise.all(Array.from({ length: 50 }, (_, n) => render(n)));
});

test('stores that only pages have do not hurt a per-request manager', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api, { store: local() });
  const failed = new Promise((resolve) => auth.on('persistFailed', resolve));
  await auth.setTokens(api.grant());
  await failed;
  assert.equal((await auth.fetch(`${api.url}/a`)).status, 200);
});

test('a worker of a browser is no server; a runtime that only looks like one is', (t) => {
  t.after(() => {
    for (const name of ['WorkerGlobalScope', 'location']) delete globalThis[name];
  });
  globalThis.WorkerGlobalScope = class {};
  const inert = createTokenManager({ refresh: '/refresh' });
  assert.equal(inert.getSnapshot().expiresAt, undefined);
  assert.deepEqual(inert.metrics(), {});
  globalThis.location = { href: 'https://app.example/worker.js', origin: 'https://app.example' };
  const live = createTokenManager({ refresh: '/refresh' });
  assert.equal(live.metrics().attempts, 0);
  live.dispose();
});
