import { instantiate } from '../wasm/glue.js';
import { InternalError, InvalidTokenError } from './errors.js';
import { guard } from './guard.js';
import type { Source } from './loader.js';

/** What a JWT says. Nothing is verified: a browser cannot usefully do so. */
export interface DecodedJwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

type Decode = (token: string) => DecodedJwt;

/** A decoder with an instance of its own, made on first use. */
export function decoder(source: Source): Decode {
  let decode: Decode | undefined;
  return (token) => {
    if (typeof token !== 'string') throw new TypeError('decodeJwt: expected a string');
    if (!decode) {
      const module = source();
      if (module instanceof Promise) throw new InternalError({ cause: 'still loading', transient: true });
      decode = instantiate(module, (exports) => guard(exports, () => (decode = undefined))).decodeJwt as Decode;
    }
    try {
      return decode(token);
    } catch (error) {
      const { code, reason } = error as { code?: unknown; reason?: string };
      throw code === 'invalid_token' ? new InvalidTokenError({ cause: reason }) : new InternalError();
    }
  };
}
