// What a request costs on top of `fetch` while the token is good. How it is measured: docs/benchmarks.md.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { candidates, init } from './fetch/candidates.mjs';
import { inChromium } from './fetch/chromium.mjs';
import { interleaved, median } from './fetch/interleaved.mjs';
import { report, target } from './fetch/report.mjs';
import { urls } from './fetch/world.mjs';

const LEAN = ['nothing', 'leanest', 'usual', 'evertoken'];
const ROUNDS = 101;
const PROCESSES = 5;

async function inNode() {
  const micros = () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  };
  return interleaved(await candidates(), urls, init, { micros, rounds: ROUNDS });
}

/** Medians over processes that take turns. */
function allocated() {
  const script = fileURLToPath(new URL('fetch/allocation.mjs', import.meta.url));
  const flags = ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128'];
  const samples = Object.fromEntries(LEAN.map((name) => [name, []]));
  for (let run = 0; run < PROCESSES; run++) {
    for (const name of LEAN) samples[name].push(+execFileSync(process.execPath, [...flags, script, name]));
  }
  return Object.fromEntries(Object.entries(samples).map(([name, bytes]) => [name, median(bytes)]));
}

const node = await inNode();
const chromium = await inChromium('overhead-page.mjs', ROUNDS);
const bytes = allocated();
report({
  tables: { 'ns, Node': node, 'ns, Chromium': chromium, 'bytes, Node': bytes },
  targets: [
    target('Node: evertoken / leanest', node.evertoken / node.leanest, 1.25),
    target('Node: evertoken / usual', node.evertoken / node.usual, 0.25),
    target('Chromium: evertoken / leanest', chromium.evertoken / chromium.leanest, 1.25),
    target('Chromium: evertoken / usual', chromium.evertoken / chromium.usual, 0.25),
    target('bytes: evertoken / leanest', bytes.evertoken / bytes.leanest, 1),
  ],
});
