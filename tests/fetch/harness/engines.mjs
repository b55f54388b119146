// The three browsers: found, started, and sent to a page over WebDriver, which is plain HTTP.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { makeTemporary, remove } from '../../browser/harness/package.mjs';
import { FLAGS } from '../../chromium.mjs';

const GUARD = 60_000;
const LIBRARIES = '/usr/lib/x86_64-linux-gnu';

/** Programs of an engine, each with the variable that may name it, and the capabilities of its session. */
const ENGINES = {
  chromium: {
    programs: {
      driver: ['CHROMEDRIVER', 'chromedriver'],
      browser: ['CHROMIUM', 'chromium', 'chromium-browser', 'google-chrome'],
    },
    port: (port) => [`--port=${port}`],
    capabilities: ({ browser }, profile, pin) => ({
      'goog:loggingPrefs': { browser: 'ALL' },
      'goog:chromeOptions': {
        binary: browser,
        args: [
          ...FLAGS,
          // (So that memory can be looked at without garbage.)
          '--js-flags=--expose-gc',
          `--user-data-dir=${profile}`,
          `--ignore-certificate-errors-spki-list=${pin}`,
        ],
      },
    }),
  },
  firefox: {
    programs: { driver: ['GECKODRIVER', 'geckodriver'], browser: ['FIREFOX', 'firefox-esr', 'firefox'] },
    port: (port) => ['--port', String(port), '--log', 'fatal'],
    capabilities: ({ browser }, profile) => ({
      'moz:firefoxOptions': {
        binary: browser,
        args: ['-headless', '-profile', profile],
        // (So that a page can have garbage collected.)
        prefs: { 'dom.testing.testutils.enabled': true },
      },
    }),
  },
  webkit: {
    programs: {
      driver: ['WEBKITDRIVER', 'WebKitWebDriver'],
      browser: ['WEBKIT', ...miniBrowsers()],
      display: ['XVFB', 'Xvfb'],
    },
    port: (port) => [`--port=${port}`],
    capabilities: ({ browser }) => ({ 'webkitgtk:browserOptions': { binary: browser, args: ['--automation'] } }),
  },
};

/** The programs of an engine, or what is missing and how it is had. */
export function find(engine) {
  const found = {};
  for (const [role, [variable, ...names]] of Object.entries(ENGINES[engine].programs)) {
    found[role] = process.env[variable] ?? names.map(onPath).find(Boolean);
    if (!found[role]) {
      const missing = `no ${names[0] ?? 'MiniBrowser'}`;
      return { missing: `${missing}: run \`cargo xtask setup\` as root, or name one in ${variable}` };
    }
  }
  return found;
}

/** Opens `url` in a fresh browser of its own. Chromium trusts the certificate whose key has the hash `pin`. */
export async function open(engine, programs, url, { pin, env: more }) {
  const profile = await makeTemporary('profile');
  const ends = [() => remove(profile)];
  const stop = async () => {
    for (const end of ends.reverse().splice(0)) await end();
  };
  try {
    // Nowhere near Greenwich, where every date would have the right zone.
    const env = { ...process.env, TZ: 'Asia/Kolkata', ...more, HOME: profile };
    if (programs.display) {
      const [child, display] = await startDisplay(programs.display);
      ends.push(() => end(child));
      env.DISPLAY = `:${display}`;
    }
    const port = await freePort();
    const driver = spawn(programs.driver, ENGINES[engine].port(port), { stdio: 'ignore', env });
    ends.push(() => end(driver));
    const call = caller(`http://127.0.0.1:${port}`);
    await untilReady(call, driver, programs.driver);
    const alwaysMatch = ENGINES[engine].capabilities(programs, profile, pin);
    const { sessionId, capabilities } = await call('POST', '/session', { capabilities: { alwaysMatch } });
    const session = `/session/${sessionId}`;
    ends.push(() => call('DELETE', session).catch(() => {}));
    await call('POST', `${session}/url`, { url });
    return {
      version: capabilities.browserVersion,
      pid: driver.pid,
      /** What the browser itself has put into the console: Chromium alone tells. */
      log: async () => (engine === 'chromium' ? call('POST', `${session}/se/log`, { type: 'browser' }) : []),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function caller(base) {
  return async (method, path, body) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${value?.error}: ${value?.message}`);
    return value;
  };
}

async function untilReady(call, child, name) {
  for (const late = Date.now() + GUARD; Date.now() < late; await pause(50)) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    const status = await call('GET', '/status').catch(() => undefined);
    if (status?.ready) return;
  }
  throw new Error(`${name}: not ready within ${GUARD / 1000} s`);
}

/** A display that nobody sees; it takes the first free number. */
async function startDisplay(program) {
  const args = ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const [number] = await Promise.race([once(createInterface(child.stdio[3]), 'line'), once(child, 'exit')]);
  return [child, number];
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

function onPath(name) {
  if (name.startsWith('/')) return existsSync(name) ? name : undefined;
  const cargo = process.env.CARGO_HOME ?? join(homedir(), '.cargo');
  const directories = [...(process.env.PATH ?? '').split(delimiter), join(cargo, 'bin'), '/usr/bin'];
  return directories.map((directory) => join(directory, name)).find(existsSync);
}

function miniBrowsers() {
  const names = existsSync(LIBRARIES) ? readdirSync(LIBRARIES).filter((name) => /^webkit2?gtk-/.test(name)) : [];
  return names.map((name) => join(LIBRARIES, name, 'MiniBrowser'));
}
