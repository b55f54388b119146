export type { DecodedJwt } from './decode.js';
export {
  BadTokenResponseError,
  ConfigurationError,
  DisposedError,
  InternalError,
  InvalidTokenError,
  ReentrantRefreshError,
  RefreshUnavailableError,
  ServerContextError,
  SessionChangedError,
  SessionEndedError,
  SessionEndedError as SessionEnded,
  SignedOutError,
  TokenError,
  UnsupportedTokenTypeError,
  WasmBlockedError,
  isTokenError,
} from './errors.js';
export type { ErrorClass, ErrorCode, ErrorDetails } from './errors.js';
export type * from './settings.js';
export { local, memory, session } from './stores.js';
export type {
  AccessTokenOptions,
  CreateTokenManager,
  Diagnostics,
  EndReason,
  FetchInit,
  HeldToken,
  Metrics,
  RefreshOptions,
  RunOptions,
  SessionState,
  SetTokensOptions,
  SignOutOptions,
  Snapshot,
  TokenEvent,
  TokenEvents,
  TokenManager,
} from './types.js';
