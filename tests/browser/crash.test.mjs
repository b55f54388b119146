// A trap in the release build of the wasm. Nothing of the product is changed for this: the test adds to every function
// that the module exports a look at a switch, which the page can throw.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import binaryen from 'binaryen';
import { world } from './harness/world.mjs';

const test = world();
const SWITCH = 'trap';

/** The module with an exported global that, when it is not 0, makes every entry trap. */
function withSwitch(bytes) {
  const module = binaryen.readBinary(bytes);
  const { All, CompactImports } = binaryen.Features;
  // Browsers do not know this way of writing imports yet.
  module.setFeatures(All & ~CompactImports);
  module.addGlobal(SWITCH, binaryen.i32, true, module.i32.const(0));
  module.addGlobalExport(SWITCH, SWITCH);
  const entries = new Set();
  for (let at = 0; at < module.getNumExports(); at++) {
    const { kind, value } = binaryen.getExportInfo(module.getExportByIndex(at));
    if (kind === binaryen.ExternalFunction) entries.add(value);
  }
  for (const name of entries) {
    const entry = module.getFunction(name);
    const { base, body, results } = binaryen.getFunctionInfo(entry);
    // What is imported and exported again has no body.
    if (base) continue;
    const look = module.if(module.global.get(SWITCH, binaryen.i32), module.unreachable());
    binaryen.Function.setBody(entry, module.block(null, [look, body], results));
  }
  assert.ok(module.validate());
  return module.emitBinary();
}

/** Opens a page on the module with the switch. */
async function openWithSwitch({ page, site }) {
  const bytes = await readFile(join(site, 'evertoken/wasm/evertoken.wasm'));
  await writeFile(join(site, 'switch.wasm'), withSwitch(bytes));
  await page.open('/?entry=slim');
  await page.run(async () => {
    const instances = [];
    const { Instance } = WebAssembly;
    WebAssembly.Instance = function (...args) {
      const instance = new Instance(...args);
      instances.push(instance);
      return instance;
    };
    window.trapNow = () => (instances.at(-1).exports.trap.value = 1);
    window.instances = () => instances.length;
    await kit.init(await (await fetch('/switch.wasm')).arrayBuffer());
  });
}

const EXPECTED = { console: /evertoken: the engine is lost/ };
/** Outside a call nobody is there to catch it: the page hears of it as of any uncaught error. */
const UNCAUGHT = { console: /evertoken: the engine is lost|Uncaught RuntimeError: unreachable/, troubles: /^(uncaught|unhandled rejection): .*RuntimeError: unreachable/ };

test('the module with its switch off is the same as ever', async (parts) => {
  await openWithSwitch(parts);
  const outcome = await parts.page.run(async () => {
    await kit.signedIn();
    await auth.refresh({ force: true });
    return { status: (await auth.fetch('/api/me')).status, instances: instances() };
  });
  assert.deepEqual(outcome, { status: 200, instances: 1 });
});

test('after a trap in a call the session goes on in a new instance', EXPECTED, async (parts) => {
  await openWithSwitch(parts);
  const outcome = await parts.page.run(async () => {
    await kit.signedIn({ store: kit.local() });
    trapNow();
    // Both are in flight: one call traps, the other is there when it does.
    const codes = await Promise.all([auth.getAccessToken({ minValidity: 3600 }), auth.refresh({ force: true })].map(kit.caught));
    const { status } = await auth.fetch('/api/me');
    await auth.refresh({ force: true });
    return {
      codes: codes.map(({ code, name }) => [code, name]),
      status,
      instances: instances(),
      state: auth.state,
      ended: kit.types().includes('sessionEnded'),
    };
  });
  assert.deepEqual(outcome, {
    codes: Array(2).fill(['internal', 'InternalError']),
    status: 200,
    instances: 2,
    state: 'active',
    ended: false,
  });
  assert.deepEqual((await parts.server.refreshes()).map(({ outcome }) => outcome), ['rotated']);
});

test('a trap in an asynchronous continuation rejects who waits, and the session goes on', UNCAUGHT, async (parts) => {
  await openWithSwitch(parts);
  const outcome = await parts.page.run(async () => {
    const texts = new Map();
    let gate;
    const store = {
      get: async (key) => (await gate, texts.get(key)),
      set: async (key, text) => void texts.set(key, text),
      remove: async (key) => void texts.delete(key),
    };
    const answer = await kit.oldLogin();
    kit.make({ store });
    await kit.until(() => auth.state === 'signedOut');
    // The refresh reads the store first. While it waits for that, the engine is not running.
    let open;
    gate = new Promise((resolve) => (open = resolve));
    await auth.setTokens(answer);
    const calls = [auth.getAccessToken(), auth.refresh({ force: true }), auth.fetch('/api/me')].map(kit.caught);
    await kit.until(() => auth.getSnapshot().refreshing);
    trapNow();
    open();
    const codes = (await Promise.all(calls)).map(({ code }) => code);
    const { status } = await auth.fetch('/api/me');
    return { codes, status, instances: instances(), state: auth.state, ended: kit.types().includes('sessionEnded') };
  });
  assert.deepEqual(outcome, { codes: Array(3).fill('internal'), status: 200, instances: 2, state: 'active', ended: false });
  assert.deepEqual((await parts.server.refreshes()).map(({ outcome }) => outcome), ['rotated']);
});

test('a trap in a timer leaves the session to a new instance, which refreshes in time', UNCAUGHT, async (parts) => {
  await openWithSwitch(parts);
  const outcome = await parts.page.run(async () => {
    await kit.signedIn({ store: kit.local() }, { access_ttl: 6 });
    trapNow();
    await kit.event('refreshed');
    return { instances: instances(), state: auth.state, ended: kit.types().includes('sessionEnded') };
  });
  assert.deepEqual(outcome, { instances: 2, state: 'active', ended: false });
  assert.deepEqual((await parts.server.refreshes()).map(({ outcome }) => outcome), ['rotated']);
});

test('an engine that traps again and again stays down, and says so', EXPECTED, async (parts) => {
  await openWithSwitch(parts);
  const outcome = await parts.page.run(async () => {
    await kit.signedIn({ store: kit.local() });
    const codes = [];
    for (let n = 0; n < 6; n++) {
      trapNow();
      const { code, transient } = await kit.caught(auth.refresh({ force: true }));
      codes.push([code, transient]);
      await watch.sleep(50);
    }
    return { codes, instances: instances(), stored: kit.stored().length > 10 };
  });
  assert.equal(outcome.instances, 4);
  assert.ok(outcome.codes.every(([code]) => code === 'internal'));
  assert.equal(outcome.codes[0][1], true);
  assert.equal(outcome.codes.at(-1)[1], false);
  assert.equal(outcome.stored, true);
});
