// Runs the modules of `page/` in one engine and tells Node's test runner of each test as it ends.

import assert from 'node:assert/strict';
import { once, EventEmitter } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { claimsOf, startServer } from '../../browser/harness/server.mjs';
import { makeTemporary, remove, unpackInto } from '../../browser/harness/package.mjs';
import { problems } from './checks.mjs';
import { find, open } from './engines.mjs';
import { startFront } from './front.mjs';
import { memoryOf } from './memory.mjs';

const CORPORA = fileURLToPath(new URL('../../corpora', import.meta.url));
/** Has `random-calls.mjs`, which Node uses too. */
const CALLS = fileURLToPath(new URL('../../../pkg/test', import.meta.url));
const PAGES = fileURLToPath(new URL('../page', import.meta.url));
/** How long one test may take before the page is given up. */
const GUARD = 180_000;

/**
 * The suite in one engine. `EVERTOKEN_ONLY` is a module or a part of a test's name: only those run. `collects`: whether
 * garbage can be collected in it, for which a browser may need an `env` of its own; `alone`: the one test that needs it.
 */
export function suite(engine, { collects = true, env, alone = '' } = {}) {
  test(`${engine}${alone && `, alone: ${alone}`}`, async (t) => {
    const programs = find(engine);
    if (programs.missing) {
      assert.ok(!process.env.CI, programs.missing);
      return t.skip(programs.missing);
    }
    const ends = [];
    t.after(async () => {
      for (const end of ends.reverse()) await end();
    });
    const site = await makeTemporary('site');
    ends.push(() => remove(site));
    await unpackInto(site);
    const front = await startFront({ fetch: PAGES, calls: CALLS, corpora: CORPORA, evertoken: `${site}/evertoken` });
    ends.push(front.stop);
    const { own, other, stranger } = front.origins;
    const server = await startServer('--allow-origin', own, '--allow-origin', other, '--allow-origin', stranger);
    ends.push(server.stop);
    front.backend = server.origin;

    const browser = {};
    const reports = conduct(front, server, { engine, collects }, browser);
    const query = new URLSearchParams({ only: process.env.EVERTOKEN_ONLY ?? '', alone });
    Object.assign(browser, await open(engine, programs, `${own}/fetch/index.html?${query}`, { pin: front.pin, env }));
    ends.push(browser.stop);
    t.diagnostic(`${engine} ${browser.version}`);
    for (;;) {
      const report = await next(reports);
      if (!report) break;
      for (const note of report.notes) t.diagnostic(`${engine}: ${note}`);
      // (What an engine cannot do is a skip with its name.)
      const skip = report.skip && `${engine}: ${report.skip}`;
      await t.test(report.name, { skip }, () => assert.deepEqual(report.problems, []));
    }
  });
}

/** Answers the page's questions to the harness; returns the queue of what comes of each test. */
function conduct(front, server, about, browser) {
  const reports = Object.assign(new EventEmitter(), { waiting: [], running: 'the start of the page' });
  let issued = new Set();
  let refused = new Set();
  front.issued = ({ access_token, refresh_token }, cookies = []) => {
    const [, cookie] = /^evertoken_refresh=([^;]+)/.exec(cookies.find((text) => /^evertoken_refresh=/.test(text)) ?? '') ?? [];
    for (const token of [access_token, refresh_token, cookie]) if (token) issued.add(token);
  };
  front.accepts = (authorization = '') => {
    const token = authorization.replace(/^Bearer /, '');
    return issued.has(token) && !refused.has(token) && claimsOf(token).exp * 1000 > Date.now();
  };

  const answers = {
    config: () => ({ ...about, origins: front.origins }),
    async begin({ name }) {
      reports.running = name;
      reports.emit('change');
      await server.reset();
      issued = new Set();
      refused = new Set();
      front.seen = [];
    },
    /** Makes the access tokens that a session holds now unacceptable, at the server and at `/wire?guard`. */
    async refuse({ token }) {
      refused.add(token);
      await server.expireAccess(token);
    },
    ledger: () => server.ledger(),
    /** Requests whose URL holds `key`. */
    seen: ({ key = '' }) => front.seen.filter(({ url }) => url.includes(key)).map(({ whole, ...entry }) => entry),
    memory: () => memoryOf(browser.pid),
    async end({ name, notes = [], skip, expected, breaks, ...page }) {
      await server.clearFaults();
      const found = problems({ page, server: await server.ledger(), seen: front.seen, issued, expected });
      push({ name, notes, skip, problems: breaks ? unlike(found, breaks) : found });
    },
    done: () => push(undefined),
  };
  front.control = (path, text) => answers[path.replace('/harness/', '')](text ? JSON.parse(text) : {});

  function push(report) {
    reports.waiting.push(report);
    reports.emit('change');
  }
  return reports;
}

async function next(reports) {
  while (!reports.waiting.length) {
    const late = AbortSignal.timeout(GUARD);
    try {
      await once(reports, 'change', { signal: late });
    } catch {
      throw new Error(`nothing from the page for ${GUARD / 1000} s; running: ${reports.running}`);
    }
  }
  return reports.waiting.shift();
}

/** A test that breaks a rule on purpose must be found out, and for nothing else. */
function unlike(found, breaks) {
  const fits = (text) => text.includes(breaks);
  if (!found.some(fits)) return [`expected to be found out: ${breaks}`];
  return found.filter((text) => !fits(text));
}
