import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokenManager, memory } from '../dist/index.js';
import { build } from '../dist/manager.js';

const REFRESH = 'https://id.example/refresh';
const PLACES = 'a list of origins';
const METHOD = 'a method';
const NO_BODY = 'none';
const HEADERS = 'headers';
const SECONDS = 'a number of seconds ≥ 0';
const TEXT = 'a string';

/** [options beside a good `refresh`, the option named, what is expected, what was got]. */
const WRONG = [
  [{ refresh: undefined }, 'refresh', 'a URL, a description, a callback or null', 'undefined'],
  [{ refresh: '' }, 'refresh', 'a URL, a description, a callback or null', '""'],
  [{ refresh: 5 }, 'refresh', 'a URL, a description, a callback or null', '5'],
  [{ refresh: true }, 'refresh', 'a URL, a description, a callback or null', 'true'],
  [{ refresh: [] }, 'refresh', 'a URL, a description, a callback or null', 'object'],
  [{ name: '' }, 'name', TEXT, '""'],
  [{ name: 1 }, 'name', TEXT, '1'],
  [{ name: null }, 'name', TEXT, 'null'],
  [{ store: {} }, 'store', 'a store', 'object'],
  [{ store: memory }, 'store', 'a store', 'function'],
  [{ store: 'local' }, 'store', 'a store', '"local"'],
  [{ persist: 'access' }, 'persist', 'both or refresh', '"access"'],
  [{ adoptFrom: 'token' }, 'adoptFrom', 'an object', '"token"'],
  [{ adoptFrom: { access: 5 } }, 'adoptFrom.access', TEXT, '5'],
  [{ accessIn: 'body' }, 'accessIn', 'header or cookie', '"body"'],
  [{ sameOrigin: 0 }, 'sameOrigin', 'true or false', '0'],
  [{ attachTo: 'https://a.example' }, 'attachTo', PLACES, '…'],
  [{ attachTo: [5] }, 'attachTo', PLACES, 'object'],
  [{ attachTo: ['a.example'] }, 'attachTo', PLACES, '…'],
  [{ attachTo: ['//a.io'] }, 'attachTo', PLACES, '"//a.io"'],
  [{ attachTo: ['https://*.example'] }, 'attachTo', PLACES, '…'],
  [{ attachTo: ['https://a.example/?x'] }, 'attachTo', PLACES, '…'],
  [{ attachTo: ['https://a.example/#x'] }, 'attachTo', PLACES, '…'],
  [{ attachTo: ['https://me@a.example'] }, 'attachTo', PLACES, '…'],
  [{ attachTo: ['https://a.example\\b'] }, 'attachTo', PLACES, '…'],
  [{ attachTo: ['ws://a.b'] }, 'attachTo', PLACES, '…'],
  [{ attachTo: ['data:,'] }, 'attachTo', PLACES, '"data:,"'],
  [{ attachTo: ['https://'] }, 'attachTo', PLACES, '…'],
  [{ exclude: ['public'] }, 'exclude', PLACES, '"public"'],
  [{ unauthorized: 401 }, 'unauthorized', 'a list of statuses', '401'],
  [{ unauthorized: ['401'] }, 'unauthorized', 'a list of statuses', 'object'],
  [{ unauthorized: [{ status: 400, path: 'e' }] }, 'unauthorized', 'a list of statuses', 'object'],
  [{ shouldRefresh: true }, 'shouldRefresh', 'a function', 'true'],
  [{ retry: { attempts: 1.5 } }, 'retry.attempts', 'a whole number ≥ 0', '1.5'],
  [{ retry: { methods: 'GET' } }, 'retry.methods', 'a list of methods', '"GET"'],
  [{ retry: 3 }, 'retry', 'an object', '3'],
  [{ lead: 'x' }, 'lead', SECONDS, '"x"'],
  [{ lead: -1 }, 'lead', SECONDS, '-1'],
  [{ lead: NaN }, 'lead', SECONDS, 'NaN'],
  [{ lead: Infinity }, 'lead', SECONDS, 'Infinity'],
  [{ lead: 1e300 }, 'lead', SECONDS, '1e+300'],
  [{ lead: 5n }, 'lead', SECONDS, '5'],
  [{ margin: null }, 'margin', SECONDS, 'null'],
  [{ checkInterval: {} }, 'checkInterval', SECONDS, 'object'],
  [{ attemptTimeout: [] }, 'attemptTimeout', SECONDS, 'object'],
  [{ retryDelay: '1' }, 'retryDelay', SECONDS, '"1"'],
  [{ retryCap: true }, 'retryCap', SECONDS, 'true'],
  [{ maxWait: () => 1 }, 'maxWait', SECONDS, 'function'],
  [{ retries: 1.5 }, 'retries', 'a whole number ≥ 0', '1.5'],
  [{ retries: -1 }, 'retries', 'a whole number ≥ 0', '-1'],
  [{ autoResume: 'no' }, 'autoResume', 'true or false', '"no"'],
  [{ log: 'loud' }, 'log', 'a level or a function', '"loud"'],
  [{ server: true }, 'server', 'inert or per-request', 'true'],
  [{ refresh: {} }, 'refresh.url', 'an http or https URL', 'undefined'],
  [{ refresh: { url: 5 } }, 'refresh.url', 'a URL', '5'],
  [{ refresh: { url: 'ftp://a' } }, 'refresh.url', 'an http or https URL', '"ftp://a"'],
  [{ refresh: { url: 'https://me:pw@id.example/' } }, 'refresh.url', 'an http or https URL', '…'],
  [{ log: 'debug' }, 'log', 'a level or a function', '"debug"'],
  [{ refresh: { url: REFRESH, method: '' } }, 'refresh.method', METHOD, '""'],
  [{ refresh: { url: REFRESH, method: 'TRACE' } }, 'refresh.method', METHOD, '"TRACE"'],
  [{ refresh: { url: REFRESH, method: 'connect' } }, 'refresh.method', METHOD, '"connect"'],
  [{ refresh: { url: REFRESH, method: 'P T' } }, 'refresh.method', METHOD, '"P T"'],
  [{ refresh: { url: REFRESH, method: 'GET' } }, 'refresh.format', NO_BODY, 'undefined'],
  [{ refresh: { url: REFRESH, method: 'GET', format: 'form' } }, 'refresh.format', NO_BODY, '"form"'],
  [{ refresh: { url: REFRESH, headers: { 'bad header': 'x' } } }, 'refresh.headers', HEADERS, 'object'],
  [{ refresh: { url: REFRESH, headers: { a: 'x\ny' } } }, 'refresh.headers', HEADERS, 'object'],
  [
    { refresh: { url: REFRESH, revoke: { url: REFRESH, headers: { '': 'x' } } } },
    'refresh.revoke.headers',
    HEADERS,
    'object',
  ],
  [{ refresh: { url: REFRESH, format: 'xml' } }, 'refresh.format', 'json or form or none', '"xml"'],
  [{ refresh: { url: REFRESH, tokenIn: 'header' } }, 'refresh.tokenIn', 'bearer, cookie or { body }', '"header"'],
  [{ refresh: { url: REFRESH, tokenIn: { body: '' } } }, 'refresh.tokenIn', 'bearer, cookie or { body }', 'object'],
  [{ refresh: { url: REFRESH, params: 'a=b' } }, 'refresh.params', 'an object', '"a=b"'],
  [{ refresh: { url: REFRESH, sendAccessToken: 1 } }, 'refresh.sendAccessToken', 'true or false', '1'],
  [{ refresh: { url: REFRESH, credentials: 'all' } }, 'refresh.credentials', 'omit or same-origin or include', '"all"'],
  [
    { refresh: { url: REFRESH, tokenIn: 'cookie', credentials: 'omit' } },
    'refresh.credentials',
    'a value that sends the cookie',
    '"omit"',
  ],
  [{ refresh: { url: REFRESH, csrf: { header: 'x' } } }, 'refresh.csrf', 'a header, and a cookie or a meta', 'object'],
  [{ refresh: { url: REFRESH, csrf: { cookie: 'c' } } }, 'refresh.csrf', 'a header, and a cookie or a meta', 'object'],
  [
    { refresh: { url: REFRESH, csrf: { cookie: 'c', meta: 'm', header: 'h' } } },
    'refresh.csrf',
    'a header, and a cookie or a meta',
    'object',
  ],
  [{ refresh: { url: REFRESH, fields: { access: 1 } } }, 'refresh.fields.access', TEXT, '1'],
  [
    { refresh: { url: REFRESH, fields: { login: { expiresInUnit: 'h' } } } },
    'refresh.fields.login.expiresInUnit',
    's or ms',
    '"h"',
  ],
  [{ refresh: { url: REFRESH, revoke: {} } }, 'refresh.revoke.url', 'an http or https URL', 'undefined'],
  [{ refresh: { url: REFRESH, revoke: { url: REFRESH, tokenField: 0 } } }, 'refresh.revoke.tokenField', TEXT, '0'],
];

/** Names that no option has, and where. */
const UNKNOWN = [
  [{ leed: 5 }, 'leed'],
  [{ constructor: 5 }, 'constructor'],
  [{ toString: 5 }, 'toString'],
  [JSON.parse('{ "__proto__": { "lead": 5 } }'), '__proto__'],
  [{ encrypted: true }, 'encrypted'],
  [{ refresh: { url: REFRESH, uri: 5 } }, 'refresh.uri'],
  [{ refresh: { url: REFRESH, tokenField: 'token' } }, 'refresh.tokenField'],
  [{ refresh: { url: REFRESH, fields: { id: 'x' } } }, 'refresh.fields.id'],
  [{ refresh: { url: REFRESH, fields: { login: { login: {} } } } }, 'refresh.fields.login.login'],
  [{ refresh: { url: REFRESH, csrf: { name: 'x' } } }, 'refresh.csrf.name'],
  [{ refresh: { url: REFRESH, revoke: { url: REFRESH, method: 'PUT' } } }, 'refresh.revoke.method'],
  [{ adoptFrom: { id: 'x' } }, 'adoptFrom.id'],
];

/** Everything that there is, at once or zero. */
const RIGHT = [
  { refresh: null },
  { refresh: new URL(REFRESH) },
  { refresh: '/relative/to/the/page' },
  { refresh: async () => ({}) },
  { lead: 0, margin: 0, checkInterval: 0, retries: 0, retryDelay: 0, retryCap: 0, maxWait: 0 },
  { lead: 0.5, retries: 1e9, maxWait: 9e11 },
  { lead: undefined, name: undefined, refresh: { url: REFRESH, csrf: undefined, fields: undefined } },
  { attachTo: [], exclude: [], unauthorized: [] },
  {
    attachTo: ['https://a.example', 'http://localhost:8080/v1/', '/api', new URL('https://b.example')],
    exclude: ['/api/public'],
  },
  {
    unauthorized: [401, 419, { status: 400, path: 'error.code', values: ['expired', 7, true] }],
    shouldRefresh: () => true,
  },
  { persist: 'refresh', accessIn: 'cookie', sameOrigin: false, autoResume: false, log: () => {}, server: 'inert' },
  {
    adoptFrom: { access: 'a', refresh: 'r' },
    store: new (class {
      get() {}
      set() {}
      remove() {}
    })(),
  },
  { refresh: Object.assign(Object.create(null), { url: REFRESH }) },
  {
    refresh: {
      url: REFRESH,
      method: 'PUT',
      format: 'form',
      clientId: 'spa',
      params: { scope: 'a b' },
      headers: { 'x-tenant': '1' },
      tokenIn: { body: 'token' },
      sendAccessToken: true,
      credentials: 'include',
      csrf: { meta: 'csrf', header: 'x-csrf' },
      fields: {
        access: 'a.b',
        refresh: 'a.c',
        expiresIn: 'e',
        expiresAt: 'f',
        expiresInUnit: 'ms',
        login: { access: 'z' },
      },
      revoke: { url: '/revoke', format: 'form', tokenField: 't', params: { a: 'b' }, headers: { c: 'd' } },
    },
  },
  { refresh: { url: REFRESH, tokenIn: 'cookie', format: 'none' } },
  { refresh: { url: REFRESH, tokenIn: 'bearer', format: 'none' } },
];

const given = (options) => ({ refresh: REFRESH, log: 'off', ...options });
/** Both where a manager is inert and where an engine hears of the options. */
const WHERE = [{}, { server: 'per-request', attachTo: ['https://api.example'] }];

test('a wrong option is a TypeError that names it, what was expected and what it got', () => {
  for (const where of WHERE) {
    for (const [options, name, expected, got] of WRONG) {
      const message = `option "${name}": expected ${expected}, got ${got}`;
      const all = { ...where, ...given(options) };
      assert.throws(() => createTokenManager(all), { name: 'TypeError', message }, message);
    }
  }
});

test('an unknown option is a TypeError that names it', () => {
  for (const [options, name] of UNKNOWN) {
    const all = given(options);
    if (name === '__proto__') Object.defineProperty(all, name, { value: {}, enumerable: true });
    assert.throws(
      () => createTokenManager(all),
      (error) => error instanceof TypeError && error.message.startsWith(`option "${name}": expected one of `),
      name,
    );
  }
});

test('options that are no object are a TypeError', () => {
  assert.throws(() => createTokenManager(), { name: 'TypeError', message: /^option "refresh": expected / });
  for (const options of [null, 'x', 5, []]) {
    assert.throws(() => createTokenManager(options), {
      name: 'TypeError',
      message: /^option "options": expected an object, got /,
    });
  }
});

test('every legal value is taken, zero and undefined included', () => {
  for (const options of RIGHT) createTokenManager(given(options)).dispose();
});

test('the engine takes every legal value that does not need a page', (t) => {
  for (const options of RIGHT) {
    if (options.refresh === '/relative/to/the/page' || options.attachTo || options.refresh?.revoke) continue;
    createTokenManager(given({ ...options, server: 'per-request', attachTo: ['https://api.example'] })).dispose();
  }
});

test('a relative URL needs a page when the manager works', () => {
  const options = { server: 'per-request', attachTo: ['https://api.example'] };
  assert.throws(() => createTokenManager({ ...options, refresh: '/refresh' }), {
    message: 'option "refresh.url": expected an http or https URL, got …',
  });
  assert.throws(
    () => createTokenManager({ refresh: REFRESH, server: 'per-request', attachTo: ['/api'] }),
    /option "attachTo"/,
  );
});

test('a server must name where the token goes', () => {
  const message = 'option "attachTo": expected an origin, as there is none here, got object';
  assert.throws(() => createTokenManager({ refresh: REFRESH, server: 'per-request' }), { name: 'TypeError', message });
});

test('only own properties are options, whatever Object.prototype has', (t) => {
  const names = [
    ...[
      'lead',
      'margin',
      'sameOrigin',
      'attachTo',
      'exclude',
      'server',
      'store',
      'name',
      'log',
      'retries',
      'unauthorized',
    ],
    ...[
      'url',
      'tokenIn',
      'credentials',
      'csrf',
      'fields',
      'revoke',
      'headers',
      'params',
      'format',
      'clientId',
      'method',
    ],
    ...[
      'access',
      'cookie',
      'meta',
      'header',
      'login',
      'body',
      'status',
      'signal',
      'force',
      'session',
      'minValidity',
      'auth',
    ],
  ];
  for (const name of names) Object.prototype[name] = { polluted: name };
  t.after(() => {
    for (const name of names) delete Object.prototype[name];
  });
  createTokenManager(Object.assign(Object.create({ leed: 5 }), { refresh: REFRESH })).dispose();
  createTokenManager({ refresh: { url: REFRESH } }).dispose();
  assert.throws(() => createTokenManager(Object.create({ refresh: REFRESH })), /option "refresh"/);
});

test('a message shows no more than seven characters of a value', () => {
  const secret = 'eyJhbGciOiJub25lIn0.c2VjcmV0';
  for (const name of ['persist', 'lead', 'store', 'attachTo', 'log', 'server']) {
    assert.throws(
      () => createTokenManager({ refresh: REFRESH, [name]: secret }),
      (error) => !error.message.includes(secret.slice(0, 8)),
    );
  }
});

test('options of the methods are checked like those of the manager', async () => {
  const auth = createTokenManager({ refresh: REFRESH });
  const calls = [
    [() => auth.getAccessToken({ audience: 'x' }), 'audience'],
    [() => auth.getAccessToken({ minValidity: -1 }), 'minValidity'],
    [() => auth.getAccessToken({ signal: {} }), 'signal'],
    [() => auth.refresh({ force: 1 }), 'force'],
    [() => auth.refresh({ forced: true }), 'forced'],
    [() => auth.setTokens({}, { session: 'old' }), 'session'],
    [() => auth.signOut({ revoke: 'yes' }), 'revoke'],
    [() => auth.run(async () => {}, { isUnauthorized: 401 }), 'isUnauthorized'],
  ];
  for (const [call, name] of calls) {
    await assert.rejects(
      call,
      (error) => error instanceof TypeError && error.message.startsWith(`option "${name}": `),
      name,
    );
  }
  for (const response of [null, undefined, 'token', 5]) {
    await assert.rejects(() => auth.setTokens(response), {
      name: 'TypeError',
      message: 'setTokens: expected the parsed answer of a sign-in',
    });
  }
});

test('cookies of the refresh follow where its token is, and where its endpoint', (t) => {
  Object.assign(globalThis, {
    document: { baseURI: 'https://app.example/shop/' },
    location: { origin: 'https://app.example' },
  });
  t.after(() => {
    delete globalThis.document;
    delete globalThis.location;
  });
  const sent = (refresh) => {
    let entries;
    const idle = { call() {}, inspect() {} };
    // On a page, so it needs no list of places.
    build(
      { refresh },
      () => assert.fail('compiled'),
      (_source, surroundings) => (({ entries } = surroundings), idle),
    );
    return entries;
  };
  const cookie = { tokenIn: 'cookie' };
  const cases = [
    ['/refresh', 'omit', 'https://app.example/refresh'],
    [{ url: 'refresh#part', tokenIn: 'bearer' }, 'omit', 'https://app.example/shop/refresh'],
    [{ url: '/refresh', ...cookie }, 'same-origin', 'https://app.example/refresh'],
    [{ url: REFRESH, ...cookie }, 'include', REFRESH],
    [{ url: REFRESH, ...cookie, credentials: 'same-origin' }, 'same-origin', REFRESH],
    [{ url: REFRESH, credentials: 'include' }, 'include', REFRESH],
  ];
  for (const [refresh, credentials, url] of cases) {
    const entries = sent(refresh);
    assert.equal(entries['refresh.credentials'], credentials);
    assert.equal(entries['refresh.url'], url);
    assert.equal(entries['refresh.kind'], 'endpoint');
  }
  assert.equal(sent(null)['refresh.kind'], 'none');
  assert.equal(sent(async () => ({}))['refresh.kind'], 'callback');
});
