// node tests/browser/demo-check.mjs URL SCREENSHOT.png
//
// Drives the demo at URL as a visitor would, in a headless Chromium (binaries from CHROMIUM and CHROMEDRIVER), against
// a server with its fault controls open. The last line of output is one JSON object with what was measured; the exit
// code is 1 when a session ended, a request failed, the burst cost more than one refresh, the console complained or
// the page asked another origin for anything.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { By, logging } from 'selenium-webdriver';
import { launch } from './harness/browser.mjs';

const GUARD = 60_000;
const BURST = 1000;
/** What the demo's own troubles make the browser report; nothing else may be in the console. */
const EXPECTED = /\/(api\/me\?n=\d+|auth\/refresh) - Failed to load resource: the server responded with a status of (401|503)/;

const [url, screenshot] = process.argv.slice(2);
if (!url || !screenshot) {
  console.error('expected: node demo-check.mjs URL SCREENSHOT.png');
  process.exit(2);
}
const { origin } = new URL(url);

/** The browser's own record of its network traffic; reading it empties it, so it is kept. */
const traffic = [];
const profile = await mkdtemp(join(tmpdir(), 'evertoken-demo-'));
const launched = launch(profile, [logging.Type.BROWSER, logging.Type.PERFORMANCE]);
let driver;
let failures = [];
let closing;
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.once(signal, () => void close().finally(() => process.exit(1)));
try {
  driver = await launched;
  const measured = await visit();
  failures = await complaints(measured);
  for (const failure of failures) console.error(`demo-check: ${failure}`);
  console.log(JSON.stringify(measured.report));
} catch (error) {
  failures = [error];
  if (!closing) {
    console.error('demo-check:', error);
    await picture().catch(() => undefined);
  }
} finally {
  await close();
}
process.exitCode = failures.length > 0 ? 1 : 0;

/** Leaves nothing behind, also when a signal cuts the visit short. */
function close() {
  closing ??= launched
    // A signal to the whole group may have ended the browser already.
    .then((started) => started.quit())
    .catch(() => undefined)
    .then(() => rm(profile, { recursive: true, force: true, maxRetries: 20 }));
  return closing;
}

/** The visit, step by step; throws when a step does not come about. */
async function visit() {
  const size = { width: 1280, height: 860, deviceScaleFactor: 1, mobile: false };
  await driver.sendDevToolsCommand('Emulation.setDeviceMetricsOverride', size);
  await driver.sendDevToolsCommand('Emulation.setScrollbarsHidden', { hidden: true });
  await driver.sendDevToolsCommand('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: 'light' }] });
  await driver.get(url);

  const proactive = await leaveAlone();
  const first = await counters();
  await signOut();
  const { burst, outage, held } = await disturb();
  const reloaded = await reload(held);
  const second = await counters();
  await signOut();

  const requests = first.requests + second.requests;
  return {
    report: {
      proactive_refreshes: proactive,
      burst,
      session_ends: (await logged('sessionEnded')).filter((reason) => reason !== 'You signed out.').length,
      refresh_ms: await latencies(),
      success_rate: requests === 0 ? 0 : (first.ok + second.ok) / requests,
    },
    outage,
    ...reloaded,
  };
}

/** A short life and steady traffic; nobody touches anything until two tokens have been replaced. */
async function leaveAlone() {
  await signIn('15');
  await click('#steady');
  const start = await refreshes();
  await until('two refreshes that nobody asked for', async () => (await refreshes()) - start >= 2);
  // The page hears of the second one a moment later.
  await until('the third generation', async () => (await generation()) >= 3);
  return (await refreshes()) - start;
}

/** The burst and the outage, with a life long enough that no planned refresh falls into them. */
async function disturb() {
  await signIn('60');
  await click('#steady');
  const before = await refreshes();
  const ok = leadingCount(await trouble('burst'));
  const burst = { requests: BURST, ok, refreshes: (await refreshes()) - before };
  const outage = await trouble('outage');
  const held = await generation();
  await until('the refresh after the outage', async () => (await generation()) > held);
  // The hand-over is an animation of less than a second.
  await driver.sleep(1500);
  await picture();
  await click('#steady');
  return { burst, outage, held: await generation() };
}

async function reload(held) {
  const known = await refreshes();
  await driver.navigate().refresh();
  await shown('#instrument');
  await click('#ask-once');
  await until('an answer after the reload', async () => (await logged('GET /api/me')).length > 0);
  const [answer] = await logged('GET /api/me');
  return { answer, sameToken: (await generation()) === held, askedAgain: (await refreshes()) - known };
}

/** Whatever of the visit was not as it must be, in words. */
async function complaints({ report, outage, answer, sameToken, askedAgain }) {
  const { proactive_refreshes: proactive, burst, session_ends, success_rate } = report;
  const found = [];
  if (proactive < 2) found.push(`${proactive} refreshes came by themselves`);
  if (burst.ok !== BURST) found.push(`${burst.ok} of ${BURST} requests of the burst were answered 200`);
  if (burst.refreshes !== 1) found.push(`the burst cost ${burst.refreshes} refreshes by the server's ledger`);
  if (session_ends > 0) found.push(`${session_ends} sessions ended`);
  if (success_rate !== 1) found.push(`${(success_rate * 100).toFixed(2)} % of all requests were answered 200`);
  if (!outage.endsWith('session kept')) found.push(`the outage: ${outage}`);
  if (!sameToken || askedAgain > 0) found.push(`the reload: ${askedAgain} refreshes, ${sameToken ? 'the same' : 'another'} token`);
  if (!answer.startsWith('200')) found.push(`after the reload: ${answer}`);
  found.push(...(await consoleErrors()), ...foreignRequests());
  return found;
}

async function signIn(lifetime) {
  await click(`#sign-in input[value="${lifetime}"]`);
  await click('#sign-in-submit');
  await shown('#instrument');
}

async function signOut() {
  await click('#sign-out');
  await shown('#sign-in');
}

async function click(selector) {
  const element = await driver.findElement(By.css(selector));
  await driver.executeScript('arguments[0].scrollIntoView({ block: "center" })', element);
  await element.click();
}

async function shown(selector) {
  await until(`${selector} to be shown`, async () => {
    const [element] = await driver.findElements(By.css(selector));
    return element !== undefined && (await element.isDisplayed());
  });
}

async function until(what, condition) {
  const end = Date.now() + GUARD;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${GUARD / 1000} s for ${what}`);
    await driver.sleep(100);
  }
}

/** Presses a trouble's button and returns its result line. */
async function trouble(id) {
  await click(`#trouble-${id}`);
  const lamp = (state) => driver.findElements(By.css(`[data-lamp${state}] > #trouble-${id}`));
  await until(`the result of ${id}`, async () => (await lamp('')).length > 0 && (await lamp('="running"')).length === 0);
  return text(`#trouble-${id}-result`);
}

async function text(selector) {
  return driver.findElement(By.css(selector)).getText();
}

async function generation() {
  return Number(await text('#generation'));
}

/** What the page has counted since the sign-in. */
async function counters() {
  return { requests: leadingCount(await text('#count-requests')), ok: leadingCount(await text('#count-ok')) };
}

/** `1,000 × 200, 1 refresh` → 1000. */
function leadingCount(line) {
  return Number(/^[\d,]+/.exec(line)?.[0].replaceAll(',', '') ?? NaN);
}

/** Texts of the log's entries with this name, newest first. */
async function logged(name) {
  const script = `return [...document.querySelectorAll('#log li')]
    .filter((row) => row.querySelector('.event').textContent === arguments[0])
    .map((row) => row.querySelector('.what').textContent)`;
  return driver.executeScript(script, name);
}

/** Refresh requests that the server has written down. */
async function refreshes() {
  const { entries } = await (await fetch(`${origin}/ledger`)).json();
  return entries.filter(({ kind }) => kind === 'refresh').length;
}

async function picture() {
  await driver.executeScript('scrollTo(0, 0)');
  await writeFile(screenshot, await driver.takeScreenshot(), 'base64');
}

async function consoleErrors() {
  const entries = await driver.manage().logs().get(logging.Type.BROWSER);
  return entries
    .filter(({ level, message }) => level.value >= logging.Level.SEVERE.value && !EXPECTED.test(message))
    .map(({ message }) => `console: ${message}`);
}

async function networkEvents() {
  for (const { message } of await driver.manage().logs().get(logging.Type.PERFORMANCE)) {
    const { method, params } = JSON.parse(message).message;
    if (method.startsWith('Network.')) traffic.push({ method, params });
  }
  return traffic;
}

function foreignRequests() {
  return traffic
    // Other documents in the record are the browser's own start page.
    .filter(({ method, params }) => method === 'Network.requestWillBeSent' && params.documentURL.startsWith(origin))
    .map(({ params }) => params.request.url)
    .filter((address) => !/^(data|blob):/.test(address) && new URL(address).origin !== origin)
    .map((address) => `external request: ${address}`);
}

/** Percentiles, by nearest rank, of the time from a refresh request to the end of its 200. */
async function latencies() {
  const sent = new Map();
  const good = new Set();
  const times = [];
  for (const { method, params } of await networkEvents()) {
    const { requestId, timestamp } = params;
    if (method === 'Network.requestWillBeSent' && params.request.url === `${origin}/auth/refresh`) sent.set(requestId, timestamp);
    if (method === 'Network.responseReceived' && params.response.status === 200) good.add(requestId);
    if (method === 'Network.loadingFinished' && sent.has(requestId) && good.has(requestId)) {
      times.push((timestamp - sent.get(requestId)) * 1000);
    }
  }
  times.sort((a, b) => a - b);
  const at = (part) => Number((times[Math.ceil(part * times.length) - 1] ?? NaN).toFixed(1));
  return { p50: at(0.5), p99: at(0.99) };
}
