// One server and one browser for the tests of a file, and what must hold at the end of each of them.

import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { consoleOf, runIn, startBrowser } from './browser.mjs';
import { makeTemporary, remove, unpackInto } from './package.mjs';
import { startServer } from './server.mjs';

const PAGES = fileURLToPath(new URL('page/', import.meta.url));
/** Chromium's own report of an answer that is not 2xx, or of none. */
const OF_THE_NETWORK = /- Failed to load resource: /;

const NONE = /^(?!)/;

/**
 * Sets a server with `serverOptions`, serving the unpacked tarball, and a browser up for the tests of this file.
 * Returns a `test` whose body gets `{ server, page, site, driver }`; its options say what it provokes:
 * `reuse` (a spent refresh token is sent), `abandoned` (attempts that were given up and that the server still counts),
 * `console` and `troubles` (patterns of what to expect there).
 */
export function world(...serverOptions) {
  const parts = {};
  const ends = [];

  before(async () => {
    parts.site = await makeTemporary('site');
    ends.push(() => remove(parts.site));
    await cp(PAGES, parts.site, { recursive: true });
    await unpackInto(parts.site);
    parts.server = await startServer('--static', parts.site, ...serverOptions);
    ends.push(parts.server.stop);
    const { driver, stop } = await startBrowser();
    parts.driver = driver;
    ends.push(stop);
  });

  after(async () => {
    const outcomes = await Promise.allSettled(ends.reverse().map((end) => end()));
    const failed = outcomes.find(({ status }) => status === 'rejected');
    if (failed) throw failed.reason;
  });

  return (name, options, body = options) =>
    test(name, { timeout: 180_000 }, async (context) => {
      const { server, driver } = parts;
      await leave(driver, server);
      const page = pageOf(driver, server.origin);
      try {
        await body({ ...parts, page, context });
        await page.gather();
        await check(page, await server.ledger(), options);
      } finally {
        await leave(driver, server, options.abandoned);
      }
    });
}

/** Nothing of one test reaches the next: neither a running page, nor what it stored, nor a fault. */
async function leave(driver, server, abandoned) {
  await driver.get('about:blank');
  await driver.sendDevToolsCommand('Storage.clearDataForOrigin', { origin: server.origin, storageTypes: 'all' });
  await server.reset(abandoned);
  await consoleOf(driver);
}

function pageOf(driver, origin) {
  const seen = { tokens: new Set(), troubles: [], said: [], console: [] };
  const page = {
    seen,
    /** Opens a page of the site and waits for its `kit`. */
    async open(path = '/') {
      await driver.get(origin + path);
      await ready(driver);
    },
    async reload() {
      await page.gather();
      await driver.navigate().refresh();
      await ready(driver);
    },
    run: (body, ...args) => runIn(driver, body, args),
    /** Takes over what the page knows of itself, before it goes. */
    async gather() {
      const script = 'return window.watch && { ...watch.harvest(), shown: window.kit?.shown() ?? [] }';
      const harvest = await driver.executeScript(script);
      harvest?.tokens.forEach((token) => seen.tokens.add(token));
      seen.troubles.push(...(harvest?.troubles ?? []));
      seen.said.push(...(harvest?.said ?? []), ...(harvest?.shown ?? []));
      seen.console.push(...(await consoleOf(driver)));
    },
  };
  return page;
}

async function ready(driver) {
  await driver.wait(() => driver.executeScript('return !!window.kit'), 60_000, 'the page made no kit');
}

async function check({ seen }, ledger, { reuse = false, abandoned = 0, console: messages = NONE, troubles = NONE }) {
  const odd = seen.console
    .filter(({ level, message }) => /WARNING|SEVERE/.test(level) && !OF_THE_NETWORK.test(message))
    .map(({ message }) => message);
  compare(odd, messages, 'messages in the console');
  compare(seen.troubles, troubles, 'uncaught errors, unhandled rejections and violations of the policy');
  assert.ok(ledger.in_flight_refreshes_max <= 1 + abandoned, `${ledger.in_flight_refreshes_max} refreshes at the same time`);
  assert.equal(ledger.reuses > 0, reuse, `${ledger.reuses} uses of a spent refresh token`);
  assert.deepEqual(leaks(seen), [], 'texts with eight characters of a token');
}

/** What was expected must be there, and nothing else. */
function compare(texts, expected, what) {
  assert.deepEqual(texts.filter((text) => !expected.test(text)), [], what);
  if (expected !== NONE) assert.ok(texts.length > 0, `${what}: expected some like ${expected}`);
}

/** Texts that came out of the page and hold eight characters of a token in a row. */
export function leaks({ tokens, said, console: messages }) {
  const pieces = new Set();
  for (const token of tokens) for (let at = 0; at + 8 <= token.length; at++) pieces.add(token.slice(at, at + 8));
  const texts = [...said, ...messages.map(({ message }) => message)];
  return texts.filter((text) => {
    for (let at = 0; at + 8 <= text.length; at++) if (pieces.has(text.slice(at, at + 8))) return true;
    return false;
  });
}
