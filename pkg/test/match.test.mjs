import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokenManager } from '../dist/index.js';
import { signIn } from './support.mjs';

const PAGE = 'https://app.example/shop/cart?id=1#top';
const OPTIONS = {
  attachTo: [
    'https://api.example',
    'https://cdn.example/v1/files',
    'http://localhost:8080',
    'http://plain.example',
    'https://xn--bcher-kva.example',
  ],
  exclude: ['/public', 'https://api.example/login', 'https://cdn.example/v1/files/open'],
};

/** URLs that get the token. */
const OURS = [
  '/api/me',
  'me',
  '?page=2',
  '#part',
  '',
  '.',
  '/',
  '//app.example/api',
  'https://app.example',
  'https://APP.EXAMPLE/api',
  'HTTPS://app.example:443/api',
  'https://app.example:/api',
  ' https://app.example/api ',
  'https:/api',
  'https:api',
  '/publication',
  '/publi',
  '/api/public',
  '/api/%zz',
  'https://api.example/v1?next=https://evil.example',
  'https://api.example/v1#@evil.example',
  'https://api.example\\v1',
  'https:\\\\api.example/v1',
  'https://app.example\\@evil.example:evil/', // a backslash is a slash
  'https://api.exa\tmple/v1',
  '\u0009https://api.example/v1',
  'https://api.example/login-help',
  'https://cdn.example/v1/files',
  'https://cdn.example/v1/files/',
  'https://cdn.example/v1/files/a/b.png?x=..',
  'https://cdn.example/v1/files/./a',
  'https://cdn.example/v2/../v1/files/a',
  'https://cdn.example/v1/files/a%20b',
  'https://cdn.example/v1/files//a',
  'https://cdn.example/v1/files/100%25',
  'http://localhost:8080/api',
  'https://bücher.example/',
  'https://BÜCHER.example/',
];

/** URLs that look as if, and do not. */
const NOT_OURS = [
  // Another origin.
  'https://evil.example/api',
  '//evil.example/api',
  '\\\\evil.example/api',
  '/\\evil.example/api',
  '/\t/evil.example/api',
  '/\n/evil.example',
  'https://app.example.evil.example/',
  'https://evil.example/https://app.example/',
  'https://evilapp.example/',
  'https://app.example.',
  'https://sub.app.example/',
  'https://example/',
  'https://app.example:8443/',
  'https://app.example:80/',
  'http://app.example/',
  'https://app.example@evil.example/',
  'https://app.example%40evil.example/',
  'https://evil.example#@app.example/',
  'https://evil.example?@app.example/',
  'https://evil.example\\@app.example',
  'https://аpp.example/', // the first letter is Cyrillic
  'https://xn--pp-8jc.example/',
  'https://api.example.:443/',
  'https://api.example:444/v1',
  'https://1.1.1.1/api',
  'https://[::1]/api',
  'https://localhost:8080/api',
  'http://localhost/api',
  'http://localhost:80801/api',
  'http://localhost.evil.example:8080/api',
  'http://127.0.0.1:8080/api',
  'https://bucher.example/',
  // Not encrypted, though listed.
  'http://plain.example/api',
  'http://api.example/v1',
  // Not http at all.
  'blob:https://app.example/5c2b6d3e-0000-0000-0000-000000000000',
  'data:text/plain,https://app.example/',
  'javascript:fetch("https://app.example")',
  'file:///etc/passwd',
  'ftp://app.example/',
  'ws://app.example/',
  'wss://app.example/socket',
  'about:blank',
  'filesystem:https://app.example/temporary/x',
  'view-source:https://app.example/',
  // No URL.
  'https://',
  'https://app example/',
  'https://[app.example]/',
  'http://%/',
  // Outside of the listed path, in one reading or another.
  'https://cdn.example/',
  'https://cdn.example/v1',
  'https://cdn.example/v1/file',
  'https://cdn.example/v1/filesystem',
  'https://cdn.example/V1/files/a',
  'https://cdn.example/x/v1/files/a',
  'https://cdn.example//v1/files/a',
  'https://cdn.example/v1//files/a',
  'https://cdn.example/v1/files/../secret',
  'https://cdn.example/v1/files/%2e%2e/secret',
  'https://cdn.example/v1/files/.%2E/secret',
  'https://cdn.example/v1/files/..%2fsecret',
  'https://cdn.example/v1/files/..%5csecret',
  'https://cdn.example/v1/files/%252e%252e%252fsecret',
  'https://cdn.example/v1/files/%25252e%25252e/secret',
  'https://cdn.example/v1/files/..;/secret',
  'https://cdn.example/v1/files/..;a=b/secret',
  'https://cdn.example/v1/files/a/..%2f..%2f..%2fsecret',
  'https://cdn.example/v1/files\\..\\secret',
  'https://cdn.example/v1%2ffiles/a',
  'https://cdn.example/v1/fil%65s/a',
  // Excluded, in one reading or another.
  '/public',
  '/public/',
  '/public/a.png',
  '/%70ublic/a.png',
  '/public%2fa.png',
  '//app.example/public',
  '/api/../public',
  '/api/..%2fpublic',
  '/./public',
  '//app.example//public',
  '/x/..//public',
  '/;x/public',
  '/public;x=y/a',
  'https://api.example/login',
  'https://api.example/login?next=/',
  'https://api.example/v1/..;/login',
  'https://cdn.example/v1/files/open/a',
  // The token endpoint and the revocation endpoint.
  'https://api.example/token',
  'https://api.example/token?grant=1',
  'https://api.example/revoke#x',
];

/** Sends every URL in every form through a signed-in manager and reports which got a token. */
async function tokens(t, urls, options = OPTIONS, page = PAGE) {
  Object.assign(globalThis, { location: { href: page, origin: new URL(page).origin } });
  const { fetch } = globalThis;
  const auth = createTokenManager({
    refresh: { url: 'https://api.example/token', revoke: { url: 'https://api.example/revoke' } },
    server: 'per-request',
    log: 'off',
    ...options,
  });
  t.after(() => {
    auth.dispose();
    globalThis.fetch = fetch;
    delete globalThis.location;
  });
  await auth.setTokens(signIn());
  let sent;
  globalThis.fetch = async (input, init) => {
    sent = input instanceof Request ? input.headers.has('authorization') : 'Authorization' in (init?.headers ?? {});
    return new Response('');
  };
  const results = [];
  for (const url of urls) {
    for (const [input, init] of forms(url, page)) {
      sent = undefined;
      await auth.fetch(input, init);
      results.push([url, sent]);
    }
  }
  return results;
}

/** A URL as a caller may write it. Twice as text: the second answer comes from memory. */
function forms(url, page) {
  const all = [[url], [url], [url, { headers: new Headers({ accept: 'text/plain' }) }], [{ toString: () => url }]];
  try {
    const absolute = new URL(url, page);
    all.push([absolute], [new Request(absolute)]);
  } catch {
    // What is no URL has no other form; nor has one with a user's name.
  }
  return all;
}

test(`the token goes to ${OURS.length} ways to write what is listed`, async (t) => {
  for (const [url, sent] of await tokens(t, OURS)) assert.equal(sent, true, JSON.stringify(url));
});

test(`the token does not go to ${NOT_OURS.length} ways to look as if it were listed`, async (t) => {
  assert.ok(NOT_OURS.length >= 60);
  for (const [url, sent] of await tokens(t, NOT_OURS)) assert.notEqual(sent, true, JSON.stringify(url));
});

test('without sameOrigin the page is no exception, and a path of it can be listed', async (t) => {
  const options = { sameOrigin: false, attachTo: ['/api'] };
  const results = Object.fromEntries(
    await tokens(t, ['/api/me', '/', '/apiary', 'me', 'https://app.example/api'], options),
  );
  assert.deepEqual(results, {
    '/api/me': true,
    '/': false,
    '/apiary': false,
    me: false,
    'https://app.example/api': true,
  });
});

test('a page on plain http may send it over plain http, to what is listed', async (t) => {
  const urls = ['/api', 'http://plain.example/x', 'https://api.example/x', 'http://other.example/'];
  const results = Object.fromEntries(await tokens(t, urls, OPTIONS, 'http://app.example/'));
  assert.deepEqual(Object.values(results), [true, true, true, false]);
});

test('no script can make another origin the page’s own; a sandbox has none', async (t) => {
  t.after(() => delete globalThis.origin);
  const urls = ['me', 'https://app.example/x', 'https://evil.example/x'];
  globalThis.origin = 'https://evil.example';
  assert.deepEqual(Object.values(Object.fromEntries(await tokens(t, urls))), [true, true, false]);
  // What a sandboxed page sees: its address has an origin, and the browser does not let it have that.
  globalThis.origin = 'null';
  assert.deepEqual(Object.values(Object.fromEntries(await tokens(t, urls))), [false, false, false]);
  await assert.rejects(tokens(t, urls, {}), { name: 'TypeError', message: /^option "attachTo": expected an origin/ });
});

test('a page of an opaque origin has no origin of its own', async (t) => {
  const urls = ['data:text/html,y', 'file:///x', 'https://api.example/x'];
  const results = Object.fromEntries(await tokens(t, urls, { attachTo: ['https://api.example'] }, 'data:text/html,x'));
  assert.deepEqual(Object.values(results), [false, false, true]);
});

test('a changed base changes what a relative URL means', async (t) => {
  const urls = ['me'];
  assert.deepEqual((await tokens(t, urls))[0], ['me', true]);
  const { fetch } = globalThis;
  globalThis.location.href = 'https://evil.example/';
  assert.equal(new URL('me', globalThis.location.href).origin, 'https://evil.example');
  globalThis.fetch = fetch;
});
