// Bytes of what ships. node size.mjs [--json]; exit 1 when the default entry is over its budget.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

// What we want, and what we have (docs/decisions/larger-than-we-want.md): the budget only goes down.
const GOAL = 20480;
const BUDGET = 52800;
const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

const bundled = async (options) => {
  const result = await build({
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'warning',
    ...options,
  });
  return Buffer.from(result.outputFiles[0].contents);
};

const measured = (name, bytes) => ({
  name,
  raw: bytes.length,
  gzip: gzipSync(bytes, { level: 9 }).length,
  brotli: brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  }).length,
});

const user = `import { createTokenManager, local } from 'evertoken'; console.log(createTokenManager, local)`;
const parts = [
  measured('wasm', readFileSync(join(root, 'pkg/wasm/evertoken.wasm'))),
  measured('inlined wasm', await bundled({ entryPoints: ['pkg/wasm/inline.js'] })),
  measured('glue', await bundled({ entryPoints: ['pkg/wasm/glue.js'] })),
  measured('facade', await bundled({ entryPoints: ['pkg/dist/index.js'], external: ['../wasm/*'] })),
  measured('default entry in a bundle', await bundled({ stdin: { contents: user, resolveDir: root } })),
];
const entry = parts.at(-1);
const fits = entry.brotli <= BUDGET;

if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ goal: GOAL, reached: entry.brotli <= GOAL, budget: BUDGET, fits, parts }));
} else {
  const width = Math.max(...parts.map(({ name }) => name.length));
  const row = (cells) => cells.map((cell, at) => (at ? String(cell).padStart(9) : cell.padEnd(width))).join('');
  console.log(row(['', 'raw', 'gzip -9', 'brotli']));
  for (const { name, raw, gzip, brotli } of parts) console.log(row([name, raw, gzip, brotli]));
  const times = (entry.brotli / GOAL).toFixed(2);
  console.log(`default entry: ${entry.brotli} bytes brotli, ${times} x the goal of ${GOAL}; budget ${BUDGET}`);
}
if (!fits) {
  console.error(`over the budget by ${entry.brotli - BUDGET} bytes: see which part above has grown`);
  process.exitCode = 1;
}
