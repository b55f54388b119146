// Checks the built wasm the way an engine will see it, and says what inlining costs.
// node verify.mjs <directory of evertoken.wasm and inline.js>
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';

const directory = process.argv[2];
const wasm = readFileSync(join(directory, 'evertoken.wasm'));
new WebAssembly.Module(wasm);

const inline = join(directory, 'inline.js');
const { inlined, decode } = await import(pathToFileURL(inline).href);
if (Buffer.compare(wasm, decode(inlined)) !== 0) throw new Error('inline.js does not decode to evertoken.wasm');

const brotli = (bytes) =>
  brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).length;
const raw = brotli(wasm);
const text = brotli(readFileSync(inline));
const more = ((100 * text) / raw - 100).toFixed(1);
console.error(`wasm: ${wasm.length} bytes, ${raw} brotli; inlined ${text} brotli (${more} % more)`);
