import http from 'node:http';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { runIn, startBrowser } from '../../tests/browser/harness/browser.mjs';

/** Bundles a module of this directory into a page and gives what its `bench(...args)` comes to. */
export async function inChromium(module, ...args) {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL(module, import.meta.url))],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'warning',
  });
  const script = Buffer.from(bundle.outputFiles[0].contents);
  const server = http.createServer(({ url }, response) => {
    // Isolated, its clock has a resolution of 5 µs instead of 100.
    const headers = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
    const [type, body] = url === '/bench.js' ? ['text/javascript', script] : ['text/html', '<script type="module" src="/bench.js"></script>'];
    response.writeHead(200, { ...headers, 'content-type': type }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { driver, stop } = await startBrowser();
  try {
    await driver.manage().setTimeouts({ script: 1_200_000 });
    await driver.get(`http://127.0.0.1:${server.address().port}/`);
    await driver.wait(() => driver.executeScript('return !!window.bench'), 60_000, 'the page has no benchmark');
    return await runIn(driver, (...given) => window.bench(...given), args);
  } finally {
    await stop();
    server.close();
    server.closeAllConnections();
  }
}
