// The package in Node: installed from the tarball into an empty app somewhere else.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { install, makeTemporary, pack, remove, repository } from '../browser/harness/package.mjs';
import { startServer } from '../browser/harness/server.mjs';

const GUARD = 60_000;
const run = promisify(execFile);
const ends = [];
let app;

before(async () => {
  const directory = await makeTemporary('node app');
  ends.push(() => remove(directory));
  app = join(directory, 'app');
  await install(await pack(directory), app);
});
after(() => Promise.all(ends.map((end) => end())));

/** Runs a module in the app; it must end by itself. Returns the JSON that it prints. */
async function node(script, { module = true, cwd = app } = {}) {
  const type = module ? '--input-type=module' : '--input-type=commonjs';
  const { stdout, stderr } = await run(process.execPath, [type, '--eval', script], { cwd, timeout: GUARD });
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

const TOKEN = [{ alg: 'none', typ: 'JWT' }, { sub: 'ann', exp: 2_000_000_000 }, '']
  .map((part) => part && Buffer.from(JSON.stringify(part)).toString('base64url'))
  .join('.');

test('import works, and decodeJwt with it', async () => {
  const outcome = await node(`
    import { decodeJwt, InvalidTokenError, isTokenError } from 'evertoken';
    const { header, claims } = decodeJwt(${JSON.stringify(TOKEN)});
    let error;
    try { decodeJwt('not a token') } catch (thrown) { error = thrown }
    console.log(JSON.stringify([header, claims, error.code, error instanceof InvalidTokenError, isTokenError(error)]));`);
  assert.deepEqual(outcome, [{ alg: 'none', typ: 'JWT' }, { sub: 'ann', exp: 2_000_000_000 }, 'invalid_token', true, true]);
});

const [major, minor] = process.versions.node.split('.').map(Number);
const requires = major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);

test('require works', { skip: !requires && `Node ${process.version} cannot require an ES module` }, async () => {
  const outcome = await node(
    `const { decodeJwt } = require('evertoken');
     console.log(JSON.stringify(decodeJwt(${JSON.stringify(TOKEN)}).claims.sub));`,
    { module: false },
  );
  assert.equal(outcome, 'ann');
});

test('slim takes the file that the package exports', async () => {
  const outcome = await node(`
    import { readFile } from 'node:fs/promises';
    import { createRequire } from 'node:module';
    import { init, decodeJwt } from 'evertoken/slim';
    await init(readFile(createRequire(import.meta.url).resolve('evertoken/evertoken.wasm')));
    console.log(JSON.stringify(decodeJwt(${JSON.stringify(TOKEN)}).claims.sub));`);
  assert.equal(outcome, 'ann');
});

test('a manager on a server is inert, and says so', async () => {
  const outcome = await node(`
    import { createTokenManager, local } from 'evertoken';
    const auth = createTokenManager({ refresh: '/auth/refresh', store: local() });
    const codes = await Promise.all([auth.getAccessToken(), auth.setTokens({ access_token: 'abc' })].map((call) => call.catch(({ code }) => code)));
    const response = await auth.fetch('data:text/plain,through');
    await auth.signOut();
    console.log(JSON.stringify([auth.state, auth.getSnapshot() === auth.getSnapshot(), codes, await response.text()]));`);
  assert.deepEqual(outcome, ['signedOut', true, ['server_context', 'server_context'], 'through']);
});

test('per request a manager works in Node, and an idle one does not hold the process', async () => {
  const server = await startServer();
  try {
    const outcome = await node(`
      import { createTokenManager } from 'evertoken';
      const origin = ${JSON.stringify(server.origin)};
      const auth = createTokenManager({ refresh: origin + '/auth/refresh', server: 'per-request', attachTo: [origin], sameOrigin: false });
      await auth.setTokens(${JSON.stringify({ ...(await server.login()), expires_in: 0 })});
      const { status } = await auth.fetch(origin + '/api/me');
      console.log(JSON.stringify([status, auth.state]));`);
    assert.deepEqual(outcome, [200, 'active']);
    assert.deepEqual((await server.refreshes()).map(({ outcome }) => outcome), ['rotated']);
  } finally {
    await server.stop();
  }
});

test('npm installs the directory of the package too', async () => {
  const directory = await makeTemporary('linked app');
  ends.push(() => remove(directory));
  await install(join(repository, 'pkg'), directory);
  const outcome = await node(
    `import { decodeJwt } from 'evertoken'; console.log(JSON.stringify(decodeJwt(${JSON.stringify(TOKEN)}).claims.sub));`,
    { cwd: directory },
  );
  assert.equal(outcome, 'ann');
});

for (const resolution of ['bundler', 'nodenext']) {
  test(`the types hold under --strict with the resolution ${resolution}`, async () => {
    const source = `
      import { createTokenManager, decodeJwt, isTokenError, local, type Snapshot, type TokenManager } from 'evertoken';
      import { init } from 'evertoken/slim';
      const auth: TokenManager = createTokenManager({ refresh: { url: '/r', tokenIn: 'cookie' }, store: local(), lead: 0 });
      const snapshot: Snapshot = auth.getSnapshot();
      auth.on('sessionEnded', ({ reason }) => reason === 'refused');
      const response: Promise<Response> = auth.fetch('/api', { auth: 'omit' });
      export const all = [snapshot.state, response, decodeJwt('a.b.c').claims.sub, init('/x.wasm'), isTokenError(1)];
      // @ts-expect-error an unknown option
      createTokenManager({ refresh: '/r', leed: 1 });
      // @ts-expect-error the refresh source is missing
      createTokenManager({});
    `;
    await writeFile(join(app, 'use.ts'), source);
    const module = resolution === 'bundler' ? 'esnext' : 'nodenext';
    const flags = ['--noEmit', '--strict', '--target', 'es2022', '--module', module, '--moduleResolution', resolution];
    const tsc = join(repository, 'node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, ...flags, 'use.ts'], { cwd: app }).catch((error) => error);
    assert.equal(stdout, '');
  });
}
