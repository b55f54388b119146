import { decoder } from './decode.js';
import { ConfigurationError } from './errors.js';
import { type Source, compile } from './loader.js';
import { build } from './manager.js';
import type { CreateTokenManager } from './types.js';

export * from './public.js';

/** Where the wasm comes from: its URL, an answer that has it, its bytes, or the compiled module. */
export type WasmSource =
  | BufferSource
  | Response
  | URL
  | WebAssembly.Module
  | string
  | PromiseLike<BufferSource | Response | WebAssembly.Module>;

let module: ReturnType<Source> | undefined;

const source: Source = () => {
  if (!module) throw new TypeError('evertoken/slim: expected init(source) to be called first');
  return module;
};

/**
 * Takes the wasm, which is the file `evertoken/evertoken.wasm`. Managers may be created as soon as this was called;
 * their calls wait for it. A second call does nothing, unless the first one failed.
 */
export function init(wasm: WasmSource): Promise<void> {
  if (!module) {
    const work: Promise<WebAssembly.Module> = load(wasm);
    module = work;
    work.then(
      (ready) => (module = ready),
      () => (module = undefined),
    );
  }
  return Promise.resolve(module).then(() => {});
}

/** As in the default entry, once {@link init} was called. */
export const createTokenManager: CreateTokenManager = (options) => build(options, source);

/** As in the default entry, once {@link init} has resolved. */
export const decodeJwt = /* @__PURE__ */ decoder(source);

async function load(wasm: WasmSource): Promise<WebAssembly.Module> {
  const given = await (typeof wasm === 'string' || wasm instanceof URL ? fetch(wasm) : wasm);
  if (given instanceof Response) return compile(await bytesOf(given, String(wasm)));
  return ArrayBuffer.isView(given) || given instanceof ArrayBuffer
    ? compile(given as BufferSource)
    : (given as WebAssembly.Module);
}

async function bytesOf(response: Response, asked: string): Promise<ArrayBuffer> {
  const bytes = await response.arrayBuffer();
  const [first] = new Uint8Array(bytes);
  // Every wasm file begins with a zero byte. Its type may be wrong, and often is.
  if (response.ok && first === 0) return bytes;
  const got = first === 60 ? 'an HTML page' : 'something else';
  throw new ConfigurationError({
    cause: `expected WebAssembly at ${response.url || asked}, got ${got}; serve node_modules/evertoken/wasm/evertoken.wasm there`,
    status: response.status,
  });
}
