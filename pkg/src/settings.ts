/**
 * Options of `createTokenManager`. They are read once, as own properties; an unknown or wrong one is a `TypeError`
 * that names it. Durations are in seconds.
 */
export interface Options {
  /**
   * Where new tokens come from: the URL of the token endpoint (a POST of `{"refresh_token": …}`), a description of it,
   * a callback, or `null` (the session ends with its access token).
   */
  refresh: string | URL | RefreshEndpoint | RefreshCallback | null;

  /** Names the session: managers with the same name and store share one, others never mix. Default `'default'`. */
  name?: string | undefined;

  /**
   * Where the session is kept. Default `memory()`, the safest: a reload signs out, unless the refresh token is a
   * cookie. Also `session()`, `local()` or your own.
   */
  store?: Store | undefined;

  /** `'both'` (default), or `'refresh'`: the access token stays in memory, and a reload begins with a refresh. */
  persist?: 'both' | 'refresh' | undefined;

  /**
   * Takes over tokens that an app kept under these keys of localStorage or sessionStorage before: once, when the store
   * has no session, then removes them when the store has the tokens. A store that outlives the page must be given.
   */
  adoptFrom?: { access?: string | undefined; refresh?: string | undefined } | undefined;

  /**
   * `'cookie'`: the access token is an HttpOnly cookie too. Nothing is attached; a 401 is refreshed and sent again.
   * Default `'header'`.
   */
  accessIn?: 'cookie' | 'header' | undefined;

  /** Whether requests to the page's own origin get the token. Default `true`. */
  sameOrigin?: boolean | undefined;

  /**
   * Other places that get the token: origins (`https://api.example.com`), optionally with a path, compared by whole
   * segments, or a path of the page's own origin (`/api`, with `sameOrigin: false`). Plain http only if the page is,
   * or on localhost.
   */
  attachTo?: ReadonlyArray<string | URL> | undefined;

  /** Places, written as in `attachTo`, that get no token. They win over `attachTo` and `sameOrigin`. */
  exclude?: ReadonlyArray<string | URL> | undefined;

  /**
   * Answers that mean a refused token. Default `[401]`. An entry is a status, or a status with the values that a
   * member of the JSON body must have (`path` is dotted: `'error.code'`).
   */
  unauthorized?: ReadonlyArray<number | UnauthorizedBody> | undefined;

  /**
   * Replaces `unauthorized`: whether this answer (a copy) means a refused token. An error, or no answer within 10 s,
   * means no. Every response waits for it, so look at `status` first and read no stream to its end.
   */
  shouldRefresh?: ((response: Response) => boolean | PromiseLike<boolean>) | undefined;

  /**
   * Sends a request that gets the token again when it fails in passing: a network error, 429 or 5xx. Pauses as between
   * refreshes (`retryDelay`, `retryCap`), or as long as `Retry-After` says; one longer than `retryCap` is not waited
   * for. A stream is not sent again. Off by default.
   */
  retry?: RetryOptions | undefined;

  /** How long before its end a token is refreshed, at most 40 % of its life. Default 300; up to 1.2 times by chance. */
  lead?: number | undefined;

  /**
   * A token that is used with less than this left (at most a quarter of its life) is refreshed beside the use; the
   * use itself does not wait. Seconds, 30 by default.
   */
  margin?: number | undefined;

  /** Longest pause between two looks at the clocks; costs no request. 0 = never look. Default 120. */
  checkInterval?: number | undefined;

  /** How long one attempt to refresh may take. In seconds, 10 by default. */
  attemptTimeout?: number | undefined;

  /** Attempts of a refresh after its first one, while it fails in passing. Default 3. */
  retries?: number | undefined;

  /** Pause before the first retry; doubles with each, and half of it is drawn at random. Default 1. */
  retryDelay?: number | undefined;

  /** Longest pause between retries. Default 30. */
  retryCap?: number | undefined;

  /** How long a caller without a good token waits. Default 15. */
  maxWait?: number | undefined;

  /**
   * Whether this answer (a copy) of the token endpoint, which brings no tokens, ends the session. Replaces the built-in
   * rule: 400, 401, 403 and 422 do unless their body is HTML or names a passing trouble. An error, or no answer within
   * 2 s, leaves the rule in force.
   */
  isTerminal?: ((response: Response) => boolean | PromiseLike<boolean>) | undefined;

  /**
   * `'keep'` (default): the session is kept alive for as long as the page is open. `'lapse'`: after `idleAfter` without
   * a request or `touch()` nothing is refreshed any more, until the next use.
   */
  whenIdle?: 'keep' | 'lapse' | undefined;

  /** With `whenIdle: 'lapse'`: how long without use counts as idle. In seconds, 1800 by default. */
  idleAfter?: number | undefined;

  /** Whether a cookie session resumes by itself after a reload, with one refresh. Default `true`. */
  autoResume?: boolean | undefined;

  /** What goes to the console, or a function that gets every entry. Entries hold no tokens. Default `'error'`. */
  log?: LogLevel | 'off' | ((entry: LogEntry) => void) | undefined;

  /**
   * Outside a window or worker a manager is inert, because a server has many users: signed out, and `setTokens` and
   * `getAccessToken` reject. `'per-request'` makes it work there; create one for each request, name `attachTo`, and
   * dispose of it. No effect in browsers. Default `'inert'`.
   */
  server?: 'inert' | 'per-request' | undefined;
}

/** A token endpoint. `format: 'form'` with `clientId` is the OAuth 2 refresh request. */
export interface RefreshEndpoint {
  /** Absolute, or relative to the page. */
  url: string | URL;
  /** Default `'POST'`. */
  method?: string | undefined;
  /** How the body is written. Default `'json'`. */
  format?: 'form' | 'json' | 'none' | undefined;
  /** `client_id` of the body. */
  clientId?: string | undefined;
  /** Further members of the body. */
  params?: Readonly<Record<string, string>> | undefined;
  /** Further headers; across origins they cause a preflight. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Where the refresh token travels. Default `{ body: 'refresh_token' }`. */
  tokenIn?: { body: string } | 'bearer' | 'cookie' | undefined;
  /** Whether the old access token goes along as Bearer. Default `false`. */
  sendAccessToken?: boolean | undefined;
  /**
   * Cookies of the refresh. Default `'omit'`; with `tokenIn: 'cookie'` `'same-origin'`, or `'include'` when the
   * endpoint is on another origin. A cookie with `'omit'` is a `TypeError`.
   */
  credentials?: 'include' | 'omit' | 'same-origin' | undefined;
  /** A value that is read from a cookie or a `<meta name>` at each send and goes into a header. */
  csrf?: { cookie: string; header: string } | { meta: string; header: string } | undefined;
  /** Where the answer has its members, when not in a usual place. */
  fields?: (Fields & { /** Overrides for what `setTokens` gets. */ login?: Fields | undefined }) | undefined;
  /** The revocation endpoint that `signOut` tells. */
  revoke?: RevokeEndpoint | undefined;
}

/** A revocation endpoint (RFC 7009). */
export interface RevokeEndpoint {
  /** Absolute, or relative to the page. */
  url: string | URL;
  /** Default `'json'`. */
  format?: 'form' | 'json' | 'none' | undefined;
  /** Member of the body that carries the refresh token. Default `'token'`. */
  tokenField?: string | undefined;
  params?: Readonly<Record<string, string>> | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
}

/** Dotted paths into an answer, such as `'data.tokens.access'`. */
export interface Fields {
  access?: string | undefined;
  refresh?: string | undefined;
  expiresIn?: string | undefined;
  expiresAt?: string | undefined;
  /** Unit of `expiresIn`. Default `'s'`. */
  expiresInUnit?: 'ms' | 's' | undefined;
}

/**
 * Gets new tokens and returns the answer, in any usual spelling. Throw `SessionEnded` when the session is over; an error
 * with a `status` and `retryAfter` (seconds) tells when to try again; anything else is taken for a passing failure.
 */
export type RefreshCallback = (context: RefreshContext) => object | PromiseLike<object>;

export interface RefreshContext {
  readonly refreshToken?: string | undefined;
  readonly accessToken?: string | undefined;
  /** 1 for the first attempt of a refresh. */
  readonly attempt: number;
  readonly reason: 'asked' | 'expired' | 'resume' | 'scheduled' | 'unauthorized';
  /** Aborted when the answer is of no more use. */
  readonly signal: AbortSignal;
  /** The native `fetch`. The manager's own would wait for this very refresh. */
  readonly fetch: typeof globalThis.fetch;
}

export interface RetryOptions {
  /** Sends after the first one. Default 2. */
  attempts?: number | undefined;
  /** Methods that may be sent again. Default `DELETE`, `GET`, `HEAD`, `OPTIONS`, `PUT`. */
  methods?: readonly string[] | undefined;
}

export interface UnauthorizedBody {
  status: number;
  /** Dotted path into the JSON body. */
  path: string;
  values: ReadonlyArray<string | number | boolean>;
}

/** Text by key. Each method may be asynchronous, throw or reject: then the session lives in memory. */
export interface Store {
  get(key: string): string | null | undefined | PromiseLike<string | null | undefined>;
  set(key: string, text: string): void | PromiseLike<void>;
  remove(key: string): void | PromiseLike<void>;
}

export type LogLevel = 'error' | 'info';

export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  /** The event or error it is about. */
  readonly detail?: unknown;
}
