// How the package gets its wasm: inlined, from a file, or not at all.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { claimsOf } from './harness/server.mjs';
import { world } from './harness/world.mjs';

const test = world();

/** A page with a policy of its own, beside that of the server: both must allow. */
async function writePage(site, policy) {
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policy}" />`;
  const scripts = '<script src="/watch.js"></script><script type="module" src="/kit.js"></script>';
  await writeFile(join(site, 'policy.html'), `<!doctype html><title>policy</title><link rel="icon" href="data:," />${meta}${scripts}`);
}

test('decodeJwt and the manager work in the same turn as their first use', async ({ page, server }) => {
  await page.open();
  const { access_token } = await server.login();
  const outcome = await page.run((token) => {
    const { header, claims } = kit.decodeJwt(token);
    const { state } = kit.make().auth;
    let code;
    try {
      kit.decodeJwt(token.slice(0, 40));
    } catch (error) {
      watch.say(error);
      code = error.code;
    }
    return { alg: header.alg, claims, state, code };
  }, access_token);
  assert.deepEqual(outcome, { alg: 'EdDSA', claims: claimsOf(access_token), state: 'signedOut', code: 'invalid_token' });
});

test("a page whose policy has 'wasm-unsafe-eval' violates nothing", async ({ page, site }) => {
  await writePage(site, "script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'none'");
  await page.open('/policy.html');
  const status = await page.run(async () => {
    await kit.signedIn();
    return (await auth.fetch('/api/me')).status;
  });
  assert.equal(status, 200);
});

const BLOCKED = { console: /the engine is lost|Content Security Policy/, troubles: /^policy: script-src/ };

test("without 'wasm-unsafe-eval' every call says which directive is missing", BLOCKED, async ({ page, site }) => {
  await writePage(site, "script-src 'self'");
  await page.open('/policy.html');
  const outcome = await page.run(async () => {
    kit.make();
    const calls = [auth.getAccessToken(), auth.refresh(), auth.setTokens({ access_token: 'abc' }), auth.fetch('/api/me')];
    const errors = await Promise.all(calls.map(kit.caught));
    let thrown;
    try {
      kit.decodeJwt('a.b.c');
    } catch (error) {
      thrown = error;
    }
    return { errors, thrown: [thrown.name, kit.isTokenError(thrown)] };
  });
  assert.deepEqual(outcome.thrown, ['WasmBlockedError', true]);
  for (const { name, code, message } of outcome.errors) {
    assert.deepEqual([name, code], ['WasmBlockedError', 'wasm_blocked']);
    assert.match(message, /script-src 'wasm-unsafe-eval'/);
  }
});

test('slim takes a URL, and calls made before it is there wait', async ({ page, server }) => {
  await page.open('/?entry=slim');
  const outcome = await page.run(async () => {
    const answer = await kit.oldLogin();
    const ready = kit.init(new URL('/evertoken/wasm/evertoken.wasm', location.href));
    kit.make();
    const stored = auth.setTokens(answer);
    const response = auth.fetch('/api/me');
    const early = auth.state;
    await ready;
    return { early, stored: await stored, status: (await response).status, decoded: kit.decodeJwt(answer.access_token).header.alg };
  });
  assert.deepEqual(outcome, { early: 'restoring', stored: 'started', status: 200, decoded: 'EdDSA' });
  assert.equal((await server.ledger()).refreshes, 1);
});

test('slim takes a response, bytes and a module', async ({ page }) => {
  for (const kind of ['response', 'bytes', 'module', 'promise']) {
    await page.open('/?entry=slim');
    const status = await page.run(async (kind) => {
      const response = await fetch('/evertoken/wasm/evertoken.wasm');
      const source = {
        response: () => response,
        bytes: async () => new Uint8Array(await response.arrayBuffer()),
        module: () => WebAssembly.compileStreaming(response),
        promise: () => Promise.resolve(response),
      }[kind]();
      await kit.init(kind === 'promise' ? source : await source);
      await kit.signedIn();
      return (await auth.fetch('/api/me')).status;
    }, kind);
    assert.equal(status, 200, kind);
    await page.gather();
  }
});

test('slim without init, and with a page where the wasm should be, says what to do', async ({ page }) => {
  await page.open('/?entry=slim');
  const outcome = await page.run(async () => {
    let early;
    try {
      kit.make();
    } catch (error) {
      early = [error.name, error.message];
    }
    const html = await kit.caught(kit.init('/index.html'));
    const missing = await kit.caught(kit.init('/nowhere.wasm'));
    await kit.init('/evertoken/wasm/evertoken.wasm');
    await kit.signedIn();
    return { early, html, missing, status: (await auth.fetch('/api/me')).status };
  });
  assert.equal(outcome.early[0], 'TypeError');
  assert.match(outcome.early[1], /init\(source\)/);
  assert.match(outcome.html.message, /index\.html.*HTML/);
  assert.match(outcome.missing.message, /nowhere\.wasm/);
  assert.equal(outcome.missing.status, 404);
  assert.equal(outcome.status, 200);
});
