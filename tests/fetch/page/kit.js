// What the tests use.

import { pass, say, sleep, track } from './watch.js';
import * as evertoken from '/evertoken/dist/index.js';

export { evertoken, pass, say, sleep, track };

export const native = globalThis.fetch;
const PATIENCE = 60_000;

/** Asks the harness. */
export async function harness(question, about = {}) {
  const response = await native(`/harness/${question}`, { method: 'POST', body: JSON.stringify(about) });
  return response.json();
}

export const { collects, engine, origins } = await harness('config');

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

/** One whose token has run out: it refreshes at once, where `faults` are waiting. */
export async function withExpired(options, ...faults) {
  const answer = await oldLogin();
  for (const spec of faults) await fault(spec);
  const auth = make(options);
  await auth.setTokens(answer);
  return auth;
}

/** A sign-in of an hour ago: its token has run out, here and at the server. */
export async function oldLogin() {
  await post('/faults/clock', { offset_ms: -3_600_000 });
  const answer = await login();
  await post('/faults/clock', { offset_ms: 0 });
  return { ...answer, expires_in: 0 };
}

/** One whose token seems good, and is refused; so old that a 401 is not put down to the sign-in itself. */
export async function withRefused(options, extra) {
  const auth = await signedIn(options, extra);
  await refuse(auth);
  return auth;
}

export async function refuse(auth) {
  pass(3000);
  await harness('refuse', { token: auth.peek().accessToken });
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

/** Where a page can do this: Chromium and Firefox are started so that it can. */
export function collectGarbage() {
  globalThis.gc?.();
  globalThis.TestUtils?.gc();
}

/** Waits until `condition()` holds. */
export async function until(condition, what = String(condition)) {
  for (let waited = 0; !(await condition()); waited += 10) {
    if (waited > PATIENCE) throw new Error(`waited ${PATIENCE / 1000} s for ${what}`);
    await sleep(10);
  }
}

/** Requests on the wire whose URL holds `key`, in the order in which they came. */
export const seen = (key) => harness('seen', { key });
export const refreshes = async () => (await harness('ledger')).refreshes;
/** The token that a request carried. */
export const tokenOf = ({ headers }) => headers.authorization?.replace('Bearer ', '');
/** What a request was, but for its token and the order of its headers, which is that of a hash. */
export function shapeOf({ place, method, url, rawHeaders, body }) {
  const headers = rawHeaders.flatMap((name, at) => (at % 2 || name === 'Authorization' ? [] : [`${name}: ${rawHeaders[at + 1]}`]));
  return { place, method, url, body, headers: headers.sort() };
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
