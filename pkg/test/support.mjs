import assert from 'node:assert/strict';
import http from 'node:http';
import { createTokenManager } from '../dist/index.js';

/** Longer than any wait of a healthy run; a slow machine does not reach it. */
export const PATIENCE = { timeout: 60_000 };

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
let serial = 0;

/** A JWT that nobody could mistake for another; its signature is noise. */
export function jwt({ sub = 'ada', ttl = 600 } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const noise = Buffer.from(`signature ${++serial} of nobody`).toString('base64url');
  return `${encode({ alg: 'none' })}.${encode({ iss: 'test', sub, iat: now, exp: now + ttl, jti: serial })}.${noise}`;
}

/** A token response. */
export function signIn(options = {}) {
  return {
    access_token: jwt(options),
    refresh_token: `refresh-${++serial}-${'r'.repeat(20)}`,
    expires_in: options.ttl ?? 600,
  };
}

/**
 * An API that accepts the tokens in `valid`, and a token endpoint at `/refresh` that accepts every refresh token and
 * rotates. `on` replaces the answer of a path. Every request is kept in `seen`.
 */
export async function backend(t) {
  const seen = [];
  const valid = new Set();
  const on = new Map();
  const open = new Set();
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const entry = {
        method: request.method,
        path: request.url,
        headers: request.headers,
        raw: request.rawHeaders,
        body: Buffer.concat(chunks),
        token: request.headers.authorization?.replace(/^Bearer /, ''),
      };
      seen.push(entry);
      const answer = on.get(request.url.split('?')[0]) ?? (request.url === '/refresh' ? refresh : api);
      answer(response, entry);
    });
  });
  function api(response, { token }) {
    response.writeHead(valid.has(token) ? 200 : 401, { 'content-type': 'text/plain' });
    response.end(valid.has(token) ? 'welcome' : 'refused');
  }
  function refresh(response) {
    const pair = signIn();
    valid.add(pair.access_token);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...pair, user: { id: 7 } }));
  }
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return {
    url,
    seen,
    valid,
    on,
    refresh,
    api,
    /** Requests to a path, with or without a query. */
    to: (path) => seen.filter((entry) => entry.path.split('?')[0] === path),
    /** A sign-in whose access token the API accepts. */
    grant(options) {
      const pair = signIn(options);
      valid.add(pair.access_token);
      return pair;
    },
  };
}

/** A manager that works in Node, and ends with the test. */
export function managerOf(t, { url }, options = {}) {
  const auth = createTokenManager({
    refresh: `${url}/refresh`,
    server: 'per-request',
    attachTo: [url],
    log: 'off',
    ...options,
  });
  t.after(() => auth.dispose());
  return auth;
}

/** Resolves with the next event of that type. */
export function next(auth, type) {
  return new Promise((resolve) => {
    const off = auth.on(type, (event) => {
      off();
      resolve(event);
    });
  });
}

/** Makes both clocks say that `ms` have passed, for the rest of the test. No timer fires by it. */
export function passTime(t, ms) {
  jumpClock(t, ms);
  const { now } = performance;
  performance.now = () => now.call(performance) + ms;
  t.after(() => {
    performance.now = now;
  });
}

/** Makes the wall clock jump, and it alone. */
export function jumpClock(t, ms) {
  const { now } = Date;
  Date.now = () => now.call(Date) + ms;
  t.after(() => {
    Date.now = now;
  });
}

/** The tokens of a response, to be looked for where they must not be. */
export function assertHidden(text, ...responses) {
  for (const response of responses) {
    for (const token of Object.values(response).filter((value) => typeof value === 'string')) {
      // The header of a JWT is no secret.
      const secret = token.split('.').slice(-2).join('.');
      for (let at = 0; at + 8 <= secret.length; at++) {
        assert.ok(
          !text.includes(secret.slice(at, at + 8)),
          `holds part of a token: ${text.slice(Math.max(0, text.indexOf(secret.slice(at, at + 8)) - 60)).slice(0, 120)}`,
        );
      }
    }
  }
}

/** A manager whose engine can be made to trap, as a bug in it would, and what it says of that. */
export async function fragile(t, options) {
  const { Instance } = WebAssembly;
  t.after(() => (WebAssembly.Instance = Instance));
  let memory;
  WebAssembly.Instance = function (...args) {
    const instance = new Instance(...args);
    memory = Object.values(instance.exports).find((value) => value instanceof WebAssembly.Memory);
    return instance;
  };
  const api = await backend(t);
  const deaths = [];
  const log = ({ message, detail }) => message === 'the engine is lost' && deaths.push(detail);
  const auth = managerOf(t, api, { log, ...options });
  await auth.setTokens(api.grant());
  // Whatever it follows now leads out of its memory.
  return { api, auth, deaths, break: () => new Uint8Array(memory.buffer).fill(0x7f) };
}

/** A session whose token the API has just stopped accepting, old enough that a 401 is worth a refresh. */
export async function withRevokedToken(t, options) {
  const api = await backend(t);
  const auth = managerOf(t, api, options);
  await auth.setTokens(api.grant());
  api.valid.clear();
  passTime(t, 3_000);
  return { api, auth };
}

/** A session whose token is over. */
export async function withExpiredToken(t, options) {
  const api = await backend(t);
  const auth = managerOf(t, api, options);
  await auth.setTokens(api.grant({ ttl: 60 }));
  passTime(t, 61_000);
  return { api, auth };
}
