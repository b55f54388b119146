import assert from 'node:assert/strict';
import { test } from 'node:test';
import vm from 'node:vm';
import * as evertoken from '../dist/index.js';
import { decodeJwt, isTokenError } from '../dist/index.js';
import { jwt } from './support.mjs';

/** Names and codes are public API: programs compare them. */
const CODES = {
  BadTokenResponseError: 'bad_token_response',
  ConfigurationError: 'configuration',
  DisposedError: 'disposed',
  InternalError: 'internal',
  InvalidTokenError: 'invalid_token',
  ReentrantRefreshError: 'reentrant_refresh',
  RefreshUnavailableError: 'refresh_unavailable',
  ServerContextError: 'server_context',
  SessionChangedError: 'session_changed',
  SessionEndedError: 'session_ended',
  SignedOutError: 'signed_out',
  UnsupportedTokenTypeError: 'unsupported_token_type',
  WasmBlockedError: 'wasm_blocked',
};

test('every code has its exported class, and no class is without one', () => {
  const classes = Object.keys(evertoken).filter((name) => name.endsWith('Error') && name !== 'isTokenError');
  assert.deepEqual(classes.sort(), [...Object.keys(CODES), 'TokenError'].sort());
  for (const [name, code] of Object.entries(CODES)) {
    const error = new evertoken[name]();
    assert.equal(error.code, code);
    assert.equal(error.name, name);
    assert.equal(evertoken[name].name, name);
    assert.ok(error instanceof evertoken[name] && error instanceof evertoken.TokenError && error instanceof Error);
    assert.equal(error.transient, ['refresh_unavailable', 'reentrant_refresh'].includes(code));
    assert.match(error.stack, new RegExp(`^${name}: `));
  }
});

test('messages are short, lower case and say what is known', () => {
  const { RefreshUnavailableError, WasmBlockedError, ReentrantRefreshError } = evertoken;
  assert.deepEqual(
    Object.keys(CODES).map((name) => new evertoken[name]().message),
    [
      'bad token response',
      'configuration',
      'disposed',
      'internal',
      'invalid token',
      'the refresh callback has not settled while this waited for it; inside the callback use ctx.fetch',
      'refresh unavailable',
      'inert outside a window or worker: see the option "server"',
      'session changed',
      'session ended',
      'signed out',
      'unsupported token type',
      "WebAssembly is not allowed here; a Content-Security-Policy needs script-src 'wasm-unsafe-eval'",
    ],
  );
  assert.equal(
    new RefreshUnavailableError({ cause: 'server_error', status: 503 }).message,
    'refresh unavailable: server_error (status 503)',
  );
  assert.match(new WasmBlockedError().message, /script-src 'wasm-unsafe-eval'$/);
  assert.match(new ReentrantRefreshError().message, /use ctx\.fetch$/);
});

test('what is known is on the error; the cause does not weigh on JSON', () => {
  const details = {
    transient: true,
    status: 429,
    oauthError: 'slow_down',
    attempt: 2,
    retryAt: 5,
    requestId: 'x',
    cause: 'rate_limited',
  };
  const error = new evertoken.RefreshUnavailableError(details);
  for (const [name, value] of Object.entries(details)) assert.equal(error[name], value);
  const { cause, ...rest } = details;
  assert.deepEqual(JSON.parse(JSON.stringify(error)), { ...rest, code: 'refresh_unavailable' });
  assert.equal(Object.keys(new evertoken.SignedOutError()).join(), 'transient,code');
});

test('a refresh that its own callback waits for is a refresh that is unavailable', () => {
  assert.ok(new evertoken.ReentrantRefreshError() instanceof evertoken.RefreshUnavailableError);
});

test('SessionEnded, for callbacks to throw, is SessionEndedError', () => {
  assert.equal(evertoken.SessionEnded, evertoken.SessionEndedError);
});

test('errors are known across copies of the package, and nothing else is taken for one', () => {
  assert.equal(isTokenError(new evertoken.SignedOutError()), true);
  const foreign = vm.runInNewContext(`
    const error = new Error('signed out');
    Object.defineProperty(error, Symbol.for('evertoken.error'), { value: true });
    error`);
  assert.equal(foreign instanceof Error, false);
  assert.equal(isTokenError(foreign), true);
  for (const other of [undefined, null, 0, '', 'signed_out', {}, new Error('x'), { code: 'signed_out' }, Symbol('x')]) {
    assert.equal(isTokenError(other), false);
  }
});

test('decodeJwt gives header and claims', () => {
  const { header, claims } = decodeJwt(jwt({ sub: 'Ada Lovelace 👩‍💻' }));
  assert.deepEqual(header, { alg: 'none' });
  assert.equal(claims.sub, 'Ada Lovelace 👩‍💻');
  assert.equal(claims.exp - claims.iat, 600);
});

test('decodeJwt says what is wrong with anything else', () => {
  const part = (value) => Buffer.from(value).toString('base64url');
  const cases = [
    ['', /^invalid token: /],
    ['a.b', /^invalid token: segments$/],
    ['opaque', /^invalid token: segments$/],
    [`${part('{}')}.!.x`, /^invalid token: base64$/],
    [`${part('{}')}.${part(Buffer.from([0xff, 0xfe]))}.x`, /^invalid token: utf8$/],
    [`${part('{}')}.${part('{"a":')}.x`, /^invalid token: json$/],
    [`${part('{}')}.${part('[]')}.x`, /^invalid token: not_an_object$/],
    ['a.b.c.d.e', /^invalid token: encrypted$/],
  ];
  for (const [token, message] of cases) {
    assert.throws(() => decodeJwt(token), { name: 'InvalidTokenError', code: 'invalid_token', message }, token);
  }
  for (const token of [undefined, null, 5, {}]) assert.throws(() => decodeJwt(token), TypeError);
});

test('a claim named like a member of every object stays a claim', () => {
  const part = (text) => Buffer.from(text).toString('base64url');
  const { claims } = decodeJwt(`${part('{}')}.${part('{"__proto__":{"admin":true},"constructor":1}')}.x`);
  assert.equal(claims.admin, undefined);
  assert.equal(claims.constructor, 1);
});
