// Replacing the page's fetch, and taking it back.

import assert from 'node:assert/strict';
import { world } from './harness/world.mjs';

const test = world();

test('intercept gives plain fetch the token, and undo gives the native one back', async ({ page }) => {
  await page.open();
  const outcome = await page.run(async () => {
    const native = window.fetch;
    await kit.signedIn();
    const before = (await fetch('/api/me')).status;
    const undo = auth.intercept();
    const again = auth.intercept() === undo;
    const during = [(await fetch('/api/me')).status, (await window.fetch(new Request('/api/me'))).status, fetch.length, fetch.name];
    undo();
    undo();
    return { before, again, during, after: (await fetch('/api/me')).status, native: window.fetch === native };
  });
  assert.deepEqual(outcome, { before: 401, again: true, during: [200, 200, 1, 'fetch'], after: 401, native: true });
});

test('layers of several managers and of others are taken out in any order', async ({ page }) => {
  await page.open();
  const outcome = await page.run(async () => {
    const native = window.fetch;
    const first = await kit.signedIn({ name: 'first' });
    const second = await kit.signedIn({ name: 'second' });
    const undoFirst = first.intercept();
    let seen = 0;
    const lower = window.fetch;
    const other = (...args) => (seen++, lower(...args));
    window.fetch = other;
    const undoSecond = second.intercept();
    const both = (await fetch('/api/me')).status;
    undoFirst();
    const one = (await fetch('/api/me')).status;
    undoSecond();
    const kept = window.fetch === other;
    const none = (await fetch('/api/me')).status;
    window.fetch = native;
    return { both, one, none, seen, kept };
  });
  assert.deepEqual(outcome, { both: 200, one: 200, none: 401, seen: 3, kept: true });
});

test('dispose undoes what was intercepted', async ({ page }) => {
  await page.open();
  const outcome = await page.run(async () => {
    const native = window.fetch;
    await kit.signedIn();
    auth.intercept();
    auth.dispose();
    return { native: window.fetch === native, status: (await fetch('/health')).status };
  });
  assert.deepEqual(outcome, { native: true, status: 200 });
});

test('a wrapped fetch behaves as the native one where no token is concerned', { console: /integrity/ }, async ({ page }) => {
  await page.open();
  const outcome = await page.run(async () => {
    await kit.signedIn();
    const tell = (call) => call().then(({ status, type, url }) => [status, type, url], (error) => [error.name]);
    const reason = new DOMException('mine', 'AbortError');
    const calls = [
      (fetch) => fetch('/health'),
      (fetch) => fetch('http://user:pass@localhost/'),
      (fetch) => fetch('/health', { method: 'CONNECT' }),
      (fetch) => fetch('/health', { body: 'no', method: 'GET' }),
      (fetch) => fetch('/health', { signal: AbortSignal.abort(reason) }),
      (fetch) => fetch('/health', { mode: 'no-cors' }),
      (fetch) => fetch('/health', { headers: { 'bad name': 'x' } }),
      (fetch) => fetch(),
      (fetch) => fetch('http://[bad'),
      (fetch) => fetch('/health', { integrity: 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' }),
    ];
    const rows = [];
    for (const call of calls) rows.push([await tell(() => call(window.fetch)), await tell(() => call(auth.fetch))]);
    return rows;
  });
  assert.equal(outcome.length, 10);
  for (const [native, wrapped] of outcome) assert.deepEqual(wrapped, native);
});
