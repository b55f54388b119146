// The package in a bundle, and on a page without one.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { consoleOf, startBrowser } from '../browser/harness/browser.mjs';
import { install, makeTemporary, pack, remove, repository, unpackInto } from '../browser/harness/package.mjs';
import { startServer, user } from '../browser/harness/server.mjs';

const GUARD = 60_000;
const ends = [];
let app;
let driver;

before(async () => {
  const directory = await makeTemporary('bundlers');
  ends.push(() => remove(directory));
  app = join(directory, 'app');
  await install(await pack(directory), app);
  const browser = await startBrowser();
  ends.push(browser.stop);
  driver = browser.driver;
});
after(async () => {
  for (const end of ends.reverse()) await end();
});

/** An app of five lines, and what tells the test how it went. */
const appFrom = (entry) => `
import { createTokenManager, local } from '${entry}';
const auth = createTokenManager({ refresh: '/auth/refresh', store: local() });
const login = await fetch('/auth/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '${JSON.stringify(user)}' });
await auth.setTokens(await login.json());
await auth.refresh({ force: true });
const me = await auth.fetch('/api/me');
document.title = me.status + ' ' + (await me.json()).email;
`;

/** Serves `directory`, opens its page, and checks that it signs in and refreshes once. */
async function works(directory) {
  const server = await startServer('--static', directory);
  try {
    await driver.get(server.origin);
    await driver.wait(async () => (await driver.getTitle()).includes('@'), GUARD, 'the page did not sign in');
    assert.equal(await driver.getTitle(), `200 ${user.email}`);
    assert.deepEqual((await server.refreshes()).map(({ outcome }) => outcome), ['rotated']);
    const complaints = (await consoleOf(driver)).filter(({ level }) => /WARNING|SEVERE/.test(level));
    assert.deepEqual(complaints, []);
  } finally {
    await driver.get('about:blank');
    await server.stop();
  }
}

test('a fresh Vite app without configuration builds, signs in and refreshes', async () => {
  await writeFile(join(app, 'index.html'), '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>');
  await writeFile(join(app, 'main.js'), appFrom('evertoken'));
  const vite = join(repository, 'node_modules/vite/bin/vite.js');
  await promisify(execFile)(process.execPath, [vite, 'build', '--logLevel', 'warn'], { cwd: app });
  await works(join(app, 'dist'));
});

test('a plain script of type module works without any tool', async () => {
  const directory = await makeTemporary('plain');
  ends.push(() => remove(directory));
  await unpackInto(directory);
  await writeFile(join(directory, 'index.html'), '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>');
  await writeFile(join(directory, 'main.js'), appFrom('/evertoken/dist/index.js'));
  await works(directory);
});

/** The minified bundle of a module's text. */
async function bundled(contents) {
  const { outputFiles, warnings } = await build({
    stdin: { contents, resolveDir: app },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    logLevel: 'silent',
  });
  // That an import of nothing is dropped is what is wanted.
  assert.deepEqual(warnings.filter(({ id }) => id !== 'ignored-bare-import'), []);
  return outputFiles[0].text;
}

test('an import that is not used leaves nothing in the bundle', async () => {
  for (const contents of [
    "import { createTokenManager } from 'evertoken';",
    "import * as all from 'evertoken'; import * as slim from 'evertoken/slim';",
    "import 'evertoken';",
  ]) {
    assert.equal((await bundled(contents)).trim(), '', contents);
  }
});

test('what is used brings no more than it needs', async () => {
  const errors = await bundled("import { isTokenError } from 'evertoken'; console.log(isTokenError);");
  assert.ok(errors.length < 2000, `isTokenError alone: ${errors.length} bytes`);
  const store = await bundled("import { memory } from 'evertoken'; console.log(memory);");
  assert.ok(store.length < 1000, `memory alone: ${store.length} bytes`);
  const slim = await bundled("import { createTokenManager, init } from 'evertoken/slim'; console.log(createTokenManager, init);");
  const whole = await bundled("import { createTokenManager } from 'evertoken'; console.log(createTokenManager);");
  assert.ok(slim.length < whole.length / 2, `slim has the wasm inlined: ${slim.length} of ${whole.length} bytes`);
});

test('a bundle as a classic script of an older syntax works alike', async () => {
  const directory = await makeTemporary('classic');
  ends.push(() => remove(directory));
  await mkdir(directory, { recursive: true });
  const body = appFrom('evertoken').replace(/(\nconst login[^]*)/, '\n(async () => {$1})();\n');
  await build({
    stdin: { contents: body, resolveDir: app },
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2020',
    outfile: join(directory, 'main.js'),
    logLevel: 'silent',
  });
  await writeFile(join(directory, 'index.html'), '<!doctype html><link rel="icon" href="data:,"><script src="/main.js"></script>');
  await works(directory);
});
