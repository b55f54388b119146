import { decoder } from './decode.js';
import { inlineSource } from './loader.js';
import { build } from './manager.js';
import type { CreateTokenManager } from './types.js';

/**
 * Creates a token manager. On a page it takes over the session that the store has, and starts to keep it. Throws a
 * `TypeError` that names an option which is missing, unknown or wrong.
 */
export const createTokenManager: CreateTokenManager = (options) => build(options, inlineSource);

/**
 * Reads header and claims of a JWT; verifies nothing. Throws `InvalidTokenError` for anything else, an encrypted token
 * included.
 */
export const decodeJwt = /* @__PURE__ */ decoder(inlineSource);
