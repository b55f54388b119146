import { createTokenManager, decodeJwt, local, memory, session, type TokenManager } from 'evertoken';
import type { SignIn } from './api.js';
import type { Settings } from './settings.js';

export type Snapshot = ReturnType<TokenManager['getSnapshot']>;

const STORES = { local, memory, session };

/** The manager as the visitor's settings want it. `name` keeps the demo out of other apps' storage on this origin. */
export function openSession({ store, mode }: Settings): TokenManager {
  return createTokenManager({
    name: 'demo',
    store: STORES[store](),
    // The page shows every event itself.
    log: 'off',
    refresh:
      mode === 'body'
        ? { url: '/auth/refresh', revoke: { url: '/auth/revoke' } }
        : // RFC 7009 knows tokens only; a cookie is ended, and taken away, by the server's own sign-out.
          { url: '/auth/refresh', format: 'none', tokenIn: 'cookie', revoke: { url: '/auth/logout', format: 'none' } },
  });
}

/** The server's name for this session, which its fault controls ask for. */
export function sessionId(manager: TokenManager): string {
  const sid = claims(manager).sid;
  return typeof sid === 'string' ? sid : '';
}

/** The same token with another signature, which no server may accept. */
export function tampered(token: string): string {
  // Not the last character: in base64url some of its bits belong to no byte.
  const at = token.length - 8;
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
}

/** Unix milliseconds at which the server issued the held token. */
export function issuedAt(manager: TokenManager): number | undefined {
  const { iat } = claims(manager);
  return typeof iat === 'number' ? iat * 1000 : undefined;
}

function claims(manager: TokenManager): Record<string, unknown> {
  const token = manager.peek()?.accessToken;
  return token ? decodeJwt(token).claims : {};
}

export function asSignIn(token: string, expiresIn: number): Pick<SignIn, 'access_token' | 'expires_in'> {
  return { access_token: token, expires_in: expiresIn };
}
