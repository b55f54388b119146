/** Stable names of failures. */
export type ErrorCode =
  | 'bad_token_response'
  | 'configuration'
  | 'disposed'
  | 'internal'
  | 'invalid_token'
  | 'reentrant_refresh'
  | 'refresh_unavailable'
  | 'server_context'
  | 'session_changed'
  | 'session_ended'
  | 'signed_out'
  | 'unsupported_token_type'
  | 'wasm_blocked';

/** What is known of a failure; it never holds a token or a response body. */
export interface ErrorDetails {
  /** Whether the same call may succeed later without anybody doing anything. */
  readonly transient?: boolean | undefined;
  /** HTTP status of the token endpoint's answer. */
  readonly status?: number | undefined;
  /** The `error` member of that answer. */
  readonly oauthError?: string | undefined;
  /** Attempts made by the refresh that failed. */
  readonly attempt?: number | undefined;
  /** Unix milliseconds of the next attempt that the manager makes by itself. */
  readonly retryAt?: number | undefined;
  /** `x-request-id` of the answer. */
  readonly requestId?: string | undefined;
  /** `network`, `timeout`, `server_error`, `rate_limited`, `bad_response`, `callback`, `refused`, `stopped` … */
  readonly cause?: unknown;
}

/** A failure as it crosses from the engine: plain data. */
export interface TokenErrorData extends ErrorDetails {
  readonly code: ErrorCode;
}

/**
 * @internal
 * Found through the registry, so that errors of another copy of this package or of another realm are known too. */
const BRAND = /* @__PURE__ */ Symbol.for('evertoken.error');

/** The one parent of all errors that a manager rejects with. */
export class TokenError extends Error {
  /** Stable, for programs; the message is for people. */
  declare readonly code: ErrorCode;
  declare readonly transient: boolean;
  declare readonly status?: number | undefined;
  declare readonly oauthError?: string | undefined;
  declare readonly attempt?: number | undefined;
  declare readonly retryAt?: number | undefined;
  declare readonly requestId?: string | undefined;
  declare readonly cause?: unknown;

  protected constructor(details: ErrorDetails = {}) {
    const { code, text, transient } = new.target as unknown as Kind;
    const { cause, status } = details;
    super(text + (typeof cause === 'string' ? ': ' + cause : '') + (status ? ` (status ${status})` : ''));
    Object.assign(this, { transient }, known(details), { code });
    // As natively: shown by consoles, left out by JSON.
    Object.defineProperty(this, 'cause', { value: cause, enumerable: false });
  }

  /** @internal */
  get [BRAND](): boolean {
    return true;
  }
}

export interface ErrorClass<C extends ErrorCode = ErrorCode> {
  new (details?: ErrorDetails): TokenError & { readonly code: C };
  readonly prototype: TokenError & { readonly code: C };
}

interface Kind {
  code: ErrorCode;
  text: string;
  transient: boolean;
}

const classes = {} as Record<ErrorCode, ErrorClass>;

function define<C extends ErrorCode>(
  code: C,
  text = code.replaceAll('_', ' '),
  transient = false,
  parent: unknown = TokenError,
): ErrorClass<C> {
  const made = class extends (parent as new () => TokenError) {};
  // Bundlers shorten the names of classes, and logs are read by name.
  const value = code.replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase()) + 'Error';
  for (const target of [made, made.prototype]) Object.defineProperty(target, 'name', { value, writable: true });
  return (classes[code] = Object.assign(made, { code, text, transient }) as unknown as ErrorClass<C>);
}

/** What was handed over or received has no usable access token. */
export const BadTokenResponseError = define('bad_token_response');
/** Something is set up wrongly, here or at the token endpoint. The session is kept. */
export const ConfigurationError = define('configuration');
/** The token manager has been disposed of. */
export const DisposedError = define('disposed');
/** The engine crashed; it restarts by itself with the session from the store. */
export const InternalError = define('internal');
/** What {@link decodeJwt} got is no JWT. */
export const InvalidTokenError = define('invalid_token');
/** No token can be had now; the session goes on and the manager keeps trying. */
export const RefreshUnavailableError = define('refresh_unavailable', undefined, true);
/** The refresh callback waited for the refresh that it was to make. */
export const ReentrantRefreshError = define(
  'reentrant_refresh',
  'the refresh callback has not settled while this waited for it; inside the callback use ctx.fetch',
  true,
  RefreshUnavailableError,
);
/** There is no user here. */
export const ServerContextError = define('server_context', 'inert outside a window or worker: see the option "server"');
/** Another session has begun while the caller waited. */
export const SessionChangedError = define('session_changed');
/** The session has ended while the caller waited. Also for a refresh callback to throw. */
export const SessionEndedError = define('session_ended');
/** There is no session. */
export const SignedOutError = define('signed_out');
/** The server gave a token of a type that is not `Bearer`. */
export const UnsupportedTokenTypeError = define('unsupported_token_type');
/** The page may not run WebAssembly. */
export const WasmBlockedError = define(
  'wasm_blocked',
  "WebAssembly is not allowed here; a Content-Security-Policy needs script-src 'wasm-unsafe-eval'",
);

/** Whether this is one of this package's errors, also of another copy of it or from another realm. */
export function isTokenError(error: unknown): error is TokenError {
  return !!(error as Record<symbol, unknown> | null | undefined)?.[BRAND];
}

/** Without the members that are not known, which come across as `undefined`. */
export function known<T extends object>(data: T): T {
  return Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined)) as T;
}

export function errorFrom(data: TokenErrorData): TokenError {
  return new (classes[data.code] ?? InternalError)(data);
}
