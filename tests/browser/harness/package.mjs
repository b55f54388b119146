// The package under test: the tarball that npm would publish, unpacked.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** A directory of this process's own; whoever makes it removes it. */
export function makeTemporary(name) {
  return mkdtemp(join(tmpdir(), `evertoken-${name}-`));
}

export function remove(directory) {
  return rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}

/** Packs `pkg/` into `directory`, or takes the tarball that `EVERTOKEN_TARBALL` names; returns its path. */
export async function pack(directory) {
  if (process.env.EVERTOKEN_TARBALL) return process.env.EVERTOKEN_TARBALL;
  const { stdout } = await npm(['pack', '--json', '--pack-destination', directory], join(repository, 'pkg'));
  // A list of one, or since npm 12 an object by package name.
  const [{ filename }] = Object.values(JSON.parse(stdout));
  return join(directory, filename);
}

/** Unpacks the tarball as `directory/evertoken`. */
export async function unpackInto(directory) {
  const scratch = await makeTemporary('pack');
  try {
    const tarball = await pack(scratch);
    await mkdir(join(scratch, 'out'));
    await run('tar', ['-xzf', tarball, '-C', join(scratch, 'out')]);
    await rename(join(scratch, 'out', 'package'), join(directory, 'evertoken'));
  } finally {
    await remove(scratch);
  }
}

/** Installs a package, given by a path, into a new app in `directory`. */
export async function install(what, directory) {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'package.json'), '{ "name": "app", "private": true, "type": "module" }\n');
  await npm(['install', what], directory);
}

/** Runs npm without anything that would reach for the network on its own account. */
export function npm(args, cwd) {
  return run('npm', [...args, '--no-audit', '--no-fund', '--no-update-notifier'], { cwd, maxBuffer: 1 << 24 });
}
