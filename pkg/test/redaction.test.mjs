import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { local, memory } from '../dist/index.js';
import { PATIENCE, assertHidden, backend, managerOf, passTime } from './support.mjs';

/** What a debugger, a logger or an error tracker may come to see of a value. */
function shown(value) {
  const error = value instanceof Error ? [value.stack, value.message, value.name, ...Object.entries(value).flat()] : [];
  const copied = attempt(() => structuredClone(value));
  return [
    inspect(value, { depth: 10, showHidden: true, getters: true }),
    attempt(() => JSON.stringify(value)),
    String(value),
    inspect(copied),
    ...error,
  ].join('\n');
}

function attempt(run) {
  try {
    return run();
  } catch (error) {
    return String(error);
  }
}

test(
  'no token shows in the manager, its events, errors, log entries, snapshots, metrics or diagnostics',
  PATIENCE,
  async (t) => {
    const seen = [];
    const consoled = [];
    for (const level of ['log', 'info', 'warn', 'error', 'debug']) {
      t.mock.method(console, level, (...args) => consoled.push(...args));
    }
    const api = await backend(t);
    const auth = managerOf(t, api, { log: (entry) => seen.push(entry), retries: 0 });
    const loud = managerOf(t, api, { log: 'info', name: 'loud', retries: 0 });
    auth.on('*', (event) => seen.push(event));
    const pairs = [];
    const grant = (options) => {
      const pair = api.grant(options);
      pairs.push(pair);
      return pair;
    };
    api.on.set('/refresh', (response) => response.end(JSON.stringify(grant())));
    for (const manager of [auth, loud]) {
      await manager.setTokens(grant());
      await manager.refresh({ force: true });
      api.valid.clear();
      passTime(t, 3_000);
      await manager.fetch(`${api.url}/a`);
      // A server that says the token back, wherever it can.
      const echo = pairs.at(-1).refresh_token;
      api.on.set('/refresh', (response) =>
        response.writeHead(400).end(JSON.stringify({ error: echo, error_description: echo, access_token: echo })),
      );
      passTime(t, 700_000);
      seen.push(await manager.fetch(`${api.url}/a`).catch((error) => error));
      seen.push(await manager.refresh({ force: true }).catch((error) => error));
      seen.push(await manager.getAccessToken().catch((error) => error));
      const odd = { access_token: pairs[0].access_token, token_type: pairs[0].refresh_token };
      seen.push(await manager.setTokens(odd).catch((error) => error));
      seen.push(await manager.setTokens({ access_token: [pairs[0].access_token] }).catch((error) => error));
      seen.push(manager.getSnapshot(), manager.metrics(), manager.diagnostics(), manager);
      api.on.set('/refresh', (response) => response.end(JSON.stringify(grant())));
    }
    assert.ok(seen.length > 10 && consoled.length > 3);
    assertHidden([...seen, ...consoled].map(shown).join('\n'), ...pairs);
  },
);

test('the manager with a live session gives nothing away either', PATIENCE, async (t) => {
  const api = await backend(t);
  const pair = api.grant();
  for (const store of [memory(), undefined]) {
    const auth = managerOf(t, api, { store });
    await auth.setTokens(pair);
    assertHidden([auth, { ...auth }, auth.fetch, auth.getSnapshot()].map(shown).join('\n'), pair);
    assert.deepEqual(JSON.parse(JSON.stringify(auth)), { state: 'active' });
    // Not even to code that copies it: it is made of functions.
    assert.throws(() => structuredClone(auth), { name: 'DataCloneError' });
  }
});

test('no method returns the refresh token', PATIENCE, async (t) => {
  const api = await backend(t);
  const auth = managerOf(t, api);
  const pair = api.grant();
  await auth.setTokens(pair);
  const told = [auth.peek(), auth.getSnapshot(), auth.metrics(), auth.diagnostics(), await auth.getAccessToken()];
  assert.ok(!inspect(told, { depth: 10 }).includes(pair.refresh_token));
});

test('a store that throws tells nothing of what it was given', PATIENCE, async (t) => {
  const seen = [];
  const api = await backend(t);
  const store = {
    get: () => undefined,
    set(key, text) {
      throw new Error(`cannot store ${text}`);
    },
    remove() {},
  };
  const auth = managerOf(t, api, { store, log: (entry) => seen.push(entry) });
  auth.on('*', (event) => seen.push(event));
  const pair = api.grant();
  await auth.setTokens(pair);
  assert.ok(seen.some(({ type }) => type === 'persistFailed'));
  assertHidden(seen.map(shown).join('\n'), pair);
  assert.equal(typeof local().get, 'function');
});
