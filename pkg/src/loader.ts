import { decode, inlined } from '../wasm/inline.js';
import { WasmBlockedError } from './errors.js';

/** Gives the compiled module: at once where the browser lets it, else later. Throws or rejects with typed errors. */
export type Source = () => WebAssembly.Module | Promise<WebAssembly.Module>;

let compiled: ReturnType<Source> | undefined;

/** The module that is part of the bundle; compiled on first use, once. */
export const inlineSource: Source = () => {
  if (!compiled) {
    const work = (compiled = compile(decode(inlined)));
    if (work instanceof Promise) {
      work.then(
        (module) => (compiled = module),
        // The next use tries again.
        () => (compiled = undefined),
      );
    }
  }
  return compiled;
};

export function compile(bytes: BufferSource): ReturnType<Source> {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    // Chromium before 115 compiles more than 4 KB on the main thread only asynchronously.
    if (error instanceof RangeError) return WebAssembly.compile(bytes).catch(refuse);
    return refuse(error);
  }
}

/** The bytes are known to be good: what fails is the permission, or WebAssembly itself is missing. */
export function refuse(cause: unknown): never {
  throw new WasmBlockedError({ cause: String(cause) });
}
