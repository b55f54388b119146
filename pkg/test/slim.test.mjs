import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { PATIENCE, backend, jwt, signIn } from './support.mjs';

const bytes = await readFile(new URL('../wasm/evertoken.wasm', import.meta.url));
let copies = 0;

/** A copy of the entry that has not been initialised. */
async function fresh() {
  return import(`../dist/slim.js?${++copies}`);
}

const options = {
  refresh: 'https://id.example/refresh',
  server: 'per-request',
  attachTo: ['https://api.example'],
  log: 'off',
};

test('nothing works before init, and says so', PATIENCE, async () => {
  const { createTokenManager, decodeJwt } = await fresh();
  const message = 'evertoken/slim: expected init(source) to be called first';
  assert.throws(() => createTokenManager(options), { name: 'TypeError', message });
  assert.throws(() => decodeJwt(jwt()), { name: 'TypeError', message });
});

test(
  'the wasm may come as bytes, a module, an answer, a URL, or a promise of it, under any type',
  PATIENCE,
  async (t) => {
    const api = await backend(t);
    const types = ['application/wasm', 'application/octet-stream', 'text/plain', undefined];
    types.forEach((type, n) =>
      api.on.set(`/${n}.wasm`, (response) => response.writeHead(200, type && { 'content-type': type }).end(bytes)),
    );
    const sources = [
      () => bytes,
      () => new Uint8Array(bytes).buffer,
      () => new WebAssembly.Module(bytes),
      () => Promise.resolve(bytes),
      () => new Response(bytes),
      () => fetch(`${api.url}/0.wasm`),
      ...types.map((_, n) => () => `${api.url}/${n}.wasm`),
      () => new URL(`${api.url}/0.wasm`),
    ];
    for (const source of sources) {
      const { init, createTokenManager, decodeJwt } = await fresh();
      const ready = init(source());
      const auth = createTokenManager(options);
      const stored = auth.setTokens(signIn());
      assert.equal(await ready, undefined);
      assert.equal(await stored, 'started');
      assert.equal(decodeJwt(jwt()).claims.sub, 'ada');
      auth.dispose();
    }
  },
);

test('an HTML page in its place is named, with the URL and the cure; a later init may work', PATIENCE, async (t) => {
  const api = await backend(t);
  api.on.set('/app.wasm', (response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>'),
  );
  api.on.set('/empty.wasm', (response) => response.end());
  const { init, createTokenManager } = await fresh();
  const url = `${api.url}/app.wasm`;
  const error = await init(url).catch((error) => error);
  assert.equal(error.code, 'configuration');
  assert.ok(
    error.message.includes(
      `expected WebAssembly at ${url}, got an HTML page; serve node_modules/evertoken/wasm/evertoken.wasm there`,
    ),
  );
  await assert.rejects(init(`${api.url}/empty.wasm`), /got something else/);
  await assert.rejects(init('http://127.0.0.1:1/'), TypeError);
  const failing = init(url).catch(() => 'failed');
  const auth = createTokenManager(options);
  await assert.rejects(auth.getAccessToken(), { code: 'configuration' });
  assert.equal(await failing, 'failed');
  await init(bytes);
  assert.equal(await auth.setTokens(signIn()), 'started');
  auth.dispose();
});

test('ten calls at once load it once', PATIENCE, async (t) => {
  const api = await backend(t);
  api.on.set('/app.wasm', (response) => response.end(bytes));
  const { init } = await fresh();
  await Promise.all(Array.from({ length: 10 }, () => init(`${api.url}/app.wasm`)));
  assert.equal(api.seen.length, 1);
});

test('both entries have the same members but init', PATIENCE, async () => {
  const slim = Object.keys(await fresh()).filter((name) => name !== 'init');
  assert.deepEqual(slim.sort(), Object.keys(await import('../dist/index.js')).sort());
});
