// What is in the tarball, and what is not.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { makeTemporary, remove, unpackInto } from '../browser/harness/package.mjs';

let root;
let files;
const end = [];

before(async () => {
  const directory = await makeTemporary('tarball');
  end.push(() => remove(directory));
  await unpackInto(directory);
  root = join(directory, 'evertoken');
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  files = entries.filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)));
});
after(() => Promise.all(end.map((run) => run())));

const read = (file) => readFile(join(root, file), 'utf8');
const scripts = () => files.filter((file) => file.endsWith('.js'));

test('the tarball holds exactly the files of the list', async () => {
  const listed = (await readFile(new URL('tarball.txt', import.meta.url), 'utf8')).split('\n').filter((line) => line);
  assert.deepEqual(files.toSorted(), listed.toSorted());
});

test('every import and every reference of a type leads to a file that is shipped', async () => {
  const missing = [];
  for (const file of files.filter((name) => /\.(js|d\.ts)$/.test(name))) {
    const text = await read(file);
    for (const [, , target] of text.matchAll(/(from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)) {
      const path = normalize(join(dirname(file), target));
      const wanted = file.endsWith('.d.ts') ? path.replace(/\.js$/, '.d.ts') : path;
      if (!files.includes(wanted)) missing.push(`${file}: ${target}`);
    }
  }
  assert.deepEqual(missing, []);
});

test('every entry of exports leads to a file that is shipped, and nothing else is needed at run time', async () => {
  const manifest = JSON.parse(await read('package.json'));
  const targets = JSON.stringify(manifest.exports).match(/\.\/[^"]+/g).filter((target) => /\.\w+$/.test(target));
  assert.deepEqual(targets.filter((target) => !files.includes(normalize(target)) && !(target in manifest.exports)), []);
  assert.equal(manifest.dependencies, undefined);
  assert.equal(manifest.scripts?.install ?? manifest.scripts?.postinstall, undefined);
  assert.equal(manifest.sideEffects, false);
});

test('source maps bring their sources with them', async () => {
  for (const file of files.filter((name) => name.endsWith('.map'))) {
    const { sources, sourcesContent } = JSON.parse(await read(file));
    assert.equal(sourcesContent?.length, sources.length, file);
    assert.ok(sourcesContent.every((text) => text.length > 0), file);
  }
});

test('there is no eval, no new Function and no top-level await', async () => {
  for (const file of scripts()) {
    const text = await read(file);
    assert.doesNotMatch(text, /\beval\s*\(|\bnew\s+Function\b|\bFunction\s*\(/, file);
    // In a CommonJS module a top-level await is an error.
    const { warnings } = await transform(text, { format: 'cjs', loader: 'js', sourcefile: file });
    assert.deepEqual(warnings, [], file);
  }
});

test('importing touches no global', async () => {
  // Each look at one of these from within the package is noted; Node itself may look for its own ends.
  const names = `window document location self navigator localStorage sessionStorage indexedDB caches fetch Request Response Headers
    WebAssembly crypto performance setTimeout clearTimeout setInterval TextDecoder TextEncoder FinalizationRegistry WeakRef
    AbortController BroadcastChannel addEventListener reportError`.split(/\s+/);
  const script = `
    const root = ${JSON.stringify(root)};
    const touched = new Set();
    for (const name of ${JSON.stringify(names)}) {
      const value = globalThis[name];
      const get = () => {
        if (new Error().stack.includes(root)) touched.add(name);
        return value;
      };
      Object.defineProperty(globalThis, name, { configurable: true, get });
    }
    const [{ decodeJwt }] = await Promise.all(['dist/index.js', 'dist/slim.js', 'wasm/glue.js'].map((file) => import(root + '/' + file)));
    const atImport = [...touched];
    try { decodeJwt('') } catch {}
    console.log(JSON.stringify({ atImport, atUse: touched.has('WebAssembly') }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  // The use shows that the look is noted.
  assert.deepEqual(JSON.parse(stdout), { atImport: [], atUse: true });
});
