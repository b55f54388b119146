// The reference server as a process of its own, and its control API.

import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { repository } from './package.mjs';

export const user = { email: 'ann@example.com', password: 'correct-horse' };
const GUARD = 60_000;

let built;

/** Starts a server on a free port; `args` are further options of its command line. */
export async function startServer(...args) {
  const binary = process.env.EVERTOKEN_SERVER ?? (await (built ??= build()));
  const seed = ['--seed-user', `${user.email}:${user.password}`, '--seed-user', `bob@example.com:${user.password}`];
  const always = ['--port', '0', '--faults', '--parent-pid', String(process.pid), ...seed];
  const child = spawn(binary, [...always, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const origin = await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${binary}: no answer within ${GUARD / 1000} s`)), GUARD);
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`${binary} ended with ${signal ?? code}`)));
    createInterface(child.stdout).once('line', (line) => {
      clearTimeout(late);
      resolve(line.replace('listening ', ''));
    });
  });
  return control(origin, child);
}

function control(origin, child) {
  const ask = async (method, path, body) => {
    const headers = body ? { 'content-type': 'application/json' } : {};
    const response = await fetch(origin + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text && JSON.parse(text);
  };
  const server = {
    origin,
    /** Signs in from outside any page; `extra` may order `access_ttl`, `refresh_ttl` and `mode`. */
    login: (extra) => ask('POST', '/auth/login', { ...user, ...extra }),
    fault: (spec) => ask('POST', '/faults', spec),
    clearFaults: () => ask('DELETE', '/faults'),
    ledger: () => ask('GET', '/ledger'),
    /** Entries of the ledger about refreshes. */
    refreshes: async () => (await server.ledger()).entries.filter(({ kind }) => kind === 'refresh'),
    /** Requests by path, since the ledger was emptied. */
    requests: async () => (await ask('GET', '/faults/state')).requests,
    /** Makes the access tokens that a session holds now unacceptable. */
    expireAccess: (accessToken) => ask('POST', '/faults/expire-access', { sid: claimsOf(accessToken).sid }),
    revoke: (email = user.email) => ask('POST', '/faults/revoke', { email }),
    /** Back to the beginning, but for accounts and sessions: no fault, no entry, no refresh under way but those that were given up. */
    async reset(abandoned = 0) {
      await ask('DELETE', '/faults');
      for (const end = Date.now() + GUARD / 2; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
        await ask('DELETE', '/ledger');
        if ((await server.ledger()).in_flight_refreshes_max <= abandoned) return;
      }
      throw new Error('a refresh of an earlier test is still under way');
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
  return server;
}

/** The claims of a JWT, by a reader that is not the one under test. */
export function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
}

async function build() {
  const args = ['build', '--package', 'evertoken-server', '--bin', 'evertoken-server', '--message-format', 'json'];
  const { stdout } = await promisify(execFile)('cargo', args, { cwd: repository, maxBuffer: 1 << 26 });
  const messages = stdout.split('\n').filter((line) => line.startsWith('{'));
  const binary = messages.map((line) => JSON.parse(line).executable).findLast((path) => path);
  if (!binary) throw new Error('cargo build named no binary of evertoken-server');
  return binary;
}
