export { createTokenManager, decodeJwt } from './create.js';
export * from './public.js';
