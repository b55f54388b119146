import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differences } from '../../tests/corpora/destinations/checker.mjs';
import { groups } from '../../tests/corpora/destinations/table.mjs';
import { createTokenManager } from '../dist/index.js';
import { signIn } from './support.mjs';

const { page: PAGE, options: OPTIONS } = groups[0];
const ROWS = groups.flatMap(({ ours, others }) => [...ours, ...others]);

/**
 * A manager on a page, signed in. `attached(...args)` calls its `fetch` and says whether the token went along;
 * `undefined` when nothing was sent.
 */
async function managerOn(t, options, page, base = page) {
  const { fetch } = globalThis;
  const stand = () => Object.assign(globalThis, { location: { href: base, origin: new URL(page).origin } });
  stand();
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
  return {
    stand,
    attached(...args) {
      let sent;
      globalThis.fetch = async (input, init) => {
        sent = input instanceof Request ? input.headers.has('authorization') : 'Authorization' in (init?.headers ?? {});
        return new Response('');
      };
      // (A good token is sent in the same turn.)
      void auth.fetch(...args).catch(() => {});
      return sent;
    },
  };
}

/** Sends every URL in every form and reports which got a token. */
async function tokens(t, urls, options = OPTIONS, page = PAGE, base = page) {
  const { attached } = await managerOn(t, options, page, base);
  const results = [];
  for (const url of urls) {
    for (const args of forms(url, base)) results.push([url, attached(...args)]);
  }
  return results;
}

/** A URL as a caller may write it. Twice as text: the second answer comes from memory. */
function forms(url, base) {
  const all = [[url], [url], [url, { headers: new Headers({ accept: 'text/plain' }) }], [{ toString: () => url }]];
  try {
    const absolute = new URL(url, base);
    all.push([absolute], [new Request(absolute)]);
  } catch {
    // What is no URL has no other form; nor has one with a user's name.
  }
  return all;
}

test(`a table of ${ROWS.length} ways to write a URL, \`new URL\` and the allow-list say the same`, async (t) => {
  assert.ok(ROWS.length >= 200 && new Set(ROWS).size > 200);
  const managers = new Map();
  for (const group of groups) managers.set(group, await managerOn(t, group.options, group.page, group.base));
  const judge = (group) => {
    const { stand, attached } = managers.get(group);
    stand();
    return (text) => attached(text) === true;
  };
  assert.deepEqual(differences(groups, judge), []);
});

test('so do they in every form that a URL may come in', async (t) => {
  for (const { about, page, base, options, ours, others } of groups) {
    for (const [url, sent] of await tokens(t, ours, options, page, base)) assert.equal(sent, true, `${about}: ${url}`);
    for (const [url, sent] of await tokens(t, others, options, page, base)) assert.notEqual(sent, true, `${about}: ${url}`);
  }
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
