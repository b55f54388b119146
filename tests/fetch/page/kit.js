// What the tests use.

import * as evertoken from '/evertoken/dist/index.js';
import { say, sleep, track } from './watch.js';

export { evertoken, say, sleep, track };

export const native = globalThis.fetch;
const PATIENCE = 60_000;

/** Asks the harness. */
export async function harness(question, about = {}) {
  const response = await native(`/harness/${question}`, { method: 'POST', body: JSON.stringify(about) });
  return response.json();
}

export const { engine, origins } = await harness('config');

const tests = [];

/**
 * Adds a test. `breaks` is what the checks at the end must find; `expected` what the server is provoked to; `lacks`
 * the name of what this engine cannot do.
 */
export function test(name, options, body = options) {
  tests.push({ name, body, ...(body !== options && options) });
}
export const registered = () => tests.splice(0);

/** Managers and undo functions of the running test. */
const ends = [];
export const after = (end) => void ends.push(end);
export function cleanUp() {
  for (const end of ends.reverse().splice(0)) end();
}

let last = 0;
/** A text that no other has. */
export const unique = () => `k${Date.now().toString(36)}${++last}`;

/** A manager with a name of its own, whose calls must settle; its events are in `events`. */
export function make(options) {
  const auth = evertoken.createTokenManager({ refresh: '/auth/refresh', name: unique(), ...options });
  const events = [];
  auth.on('*', (event) => {
    events.push(event);
    say(event);
  });
  after(() => {
    say(JSON.stringify([auth.getSnapshot(), auth.metrics(), auth.diagnostics()]));
    auth.dispose();
  });
  const tracked = Object.create(auth, { events: { value: events } });
  for (const name of ['fetch', 'getAccessToken', 'refresh', 'run', 'setTokens', 'signOut']) {
    const method = auth[name];
    Object.defineProperty(tracked, name, { value: (...args) => track(`${name}(${String(args[0])})`, method(...args)) });
  }
  return tracked;
}

/** Signs in, past every manager; `extra` may order `access_ttl`, `refresh_ttl`, `mode`. */
export const login = (extra) => post('/auth/login', { email: 'ann@example.com', password: 'correct-horse', ...extra });

export async function post(path, body) {
  const headers = { 'content-type': 'application/json' };
  const response = await native(path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  const text = await response.text();
  return text && JSON.parse(text);
}

/** A manager that is signed in. */
export async function signedIn(options, extra) {
  const answer = await login(extra);
  const auth = make(options);
  await auth.setTokens(answer);
  return auth;
}

/** One whose token has run out, and can be refreshed. */
export async function withExpired(options) {
  const answer = await login({ access_ttl: -60 });
  const auth = make(options);
  await auth.setTokens({ ...answer, expires_in: 0 });
  return auth;
}

/** One whose token seems good, and is refused; so old that a 401 is not put down to the sign-in itself. */
export async function withRefused(options, extra) {
  const auth = await signedIn(options, extra);
  await sleep(2100);
  await harness('refuse', { token: auth.peek().accessToken });
  return auth;
}

/** Orders a fault of the server. */
export const fault = (spec) => post('/faults', spec);

/** The URL of `/wire`, on one of the origins. */
export function wire(query = {}, origin = 'own') {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) for (const one of [value].flat()) search.append(name, one);
  return `${origins[origin]}/wire?${search}`;
}

/** What a promise came to. */
export async function outcome(promise) {
  try {
    return { value: await promise };
  } catch (error) {
    return { error };
  }
}

/** The error that a promise rejects with. */
export async function caught(promise) {
  const { error, value } = await outcome(promise);
  if (error === undefined) throw new Error(`expected a rejection, got ${value?.status ?? value}`);
  return error;
}

/** Waits until `condition()` holds. */
export async function until(condition, what = String(condition)) {
  for (const end = performance.now() + PATIENCE; !(await condition()); await sleep(10)) {
    if (performance.now() > end) throw new Error(`waited ${PATIENCE / 1000} s for ${what}`);
  }
}

export function equal(got, expected, what = '') {
  const [left, right] = [got, expected].map(ordered);
  if (left !== right) throw new Error(`${what} expected ${right}, got ${left}`);
}

export function ok(holds, what) {
  if (!holds) throw new Error(`expected ${what}`);
}

/** JSON with the members of objects in order, so that texts can be compared; `undefined` is kept. */
export function ordered(value) {
  return JSON.stringify(value, (_, member) => {
    if (member === undefined) return '(undefined)';
    if (Object.prototype.toString.call(member) !== '[object Object]') return member;
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
