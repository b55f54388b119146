// A headless Chromium, and functions run in its page.

import { Builder, logging } from 'selenium-webdriver';
import chrome from 'selenium-webdriver/chrome.js';
import { FLAGS } from '../../chromium.mjs';
import { makeTemporary, remove } from './package.mjs';

const GUARD = 60_000;

/** Starts a browser with a profile of its own. */
export async function startBrowser() {
  const profile = await makeTemporary('profile');
  let driver;
  try {
    driver = await launch(profile);
    await driver.manage().setTimeouts({ script: GUARD, pageLoad: GUARD });
  } catch (error) {
    await driver?.quit();
    await remove(profile);
    throw error;
  }
  return {
    driver,
    async stop() {
      try {
        await driver.quit();
      } finally {
        await remove(profile);
      }
    },
  };
}

/** Chromium with a fresh `profile`, keeping the logs of these kinds. */
export function launch(profile, kinds = [logging.Type.BROWSER]) {
  const wanted = new logging.Preferences();
  for (const kind of kinds) wanted.setLevel(kind, logging.Level.ALL);
  const options = new chrome.Options();
  options.setChromeBinaryPath(process.env.CHROMIUM ?? '/usr/bin/chromium');
  options.setLoggingPrefs(wanted);
  options.addArguments(...FLAGS, `--user-data-dir=${profile}`);
  const service = new chrome.ServiceBuilder(process.env.CHROMEDRIVER ?? '/usr/bin/chromedriver');
  return new Builder().forBrowser('chrome').setChromeOptions(options).setChromeService(service).build();
}

/**
 * Runs `body(...args)` in the page and gives what it returns. It is sent as text: it sees the page's globals and
 * `args`, nothing from around it.
 */
export async function runIn(driver, body, args) {
  const script = `
    const done = arguments[arguments.length - 1];
    const args = [...arguments].slice(0, -1);
    Promise.resolve().then(() => (${body})(...args)).then(
      (value) => done({ value }),
      (error) => done({ error: String(error?.stack ?? error) }),
    );`;
  const { value, error } = await driver.executeAsyncScript(script, ...args);
  if (error) throw new Error(`in the page: ${error}`);
  return value;
}

/** What the page has put into the console since the last call, and what the browser itself has. */
export async function consoleOf(driver) {
  const entries = await driver.manage().logs().get(logging.Type.BROWSER);
  return entries.map(({ level, message }) => ({ level: level.name, message }));
}
