/// <reference lib="esnext.disposable" preserve="true" />
import type { TokenError } from './errors.js';
import type { Options } from './settings.js';

/** What keeps one signed-in user signed in. Every method is bound: `const { fetch } = auth` works. */
export interface TokenManager extends Disposable {
  /**
   * `fetch` with a token. Same signature and results as the native one; the token goes only to the page's own origin
   * and to `attachTo`. A good token is sent at once; an expired one is refreshed first, and all callers share that
   * refresh. A 401 is refreshed and sent again once; if the refresh fails, the original 401 is the answer.
   *
   * Rejects with `RefreshUnavailableError` when no token can be had now, `SessionEndedError` or `SessionChangedError`
   * when the session ended or changed while it waited. Without a session it sends without a token.
   */
  fetch(input: RequestInfo | URL, init?: FetchInit): Promise<Response>;

  /**
   * Replaces `target.fetch` (default `globalThis`) by {@link fetch} and returns the function that undoes it. Several
   * managers can intercept one target and undo in any order; a second call on the same target changes nothing. In the
   * window of a frame, relative URLs are those of its document.
   */
  intercept(target?: { fetch: typeof globalThis.fetch }): () => void;

  /**
   * Gives any operation (an SDK call, gRPC-web, a socket) a token, and repeats it once after a refresh when
   * `isUnauthorized` says so of what it returned or threw.
   */
  run<T>(operation: (accessToken: string, attempt: number) => T | PromiseLike<T>, options?: RunOptions): Promise<T>;

  /**
   * Hands over what a sign-in answered: `{ access_token, refresh_token, expires_in }` in any usual spelling. Resolves
   * when it is stored: `started` a session, `updated` the running one, `unchanged` (the token held already) or
   * `ignored` (older than the one held).
   */
  setTokens(response: object, options?: SetTokensOptions): Promise<'ignored' | 'started' | 'unchanged' | 'updated'>;

  /**
   * Ends the session at once and locally; neither waits for the revocation nor fails by it. `persistFailed` tells when
   * the store kept it.
   */
  signOut(options?: SignOutOptions): Promise<void>;

  /** A token with `minValidity` seconds left, refreshed if needed. Rejects with a typed error; never `null`. */
  getAccessToken(options?: AccessTokenOptions): Promise<string>;

  /** What is held now, good or not, without network or waiting. */
  peek(): HeldToken | undefined;

  /** Joins the refresh in flight or starts one. */
  refresh(options?: RefreshOptions): Promise<void>;

  readonly state: SessionState;

  /** Calls back after each change of the snapshot; returns the function that stops it. */
  subscribe(listener: () => void): () => void;

  /** The same object (`===`) until something that a person could see has changed. */
  getSnapshot(): Snapshot;

  /**
   * Calls back after an event, once the manager has settled: the listener may call anything. `'*'` hears all.
   * Returns the function that stops it.
   */
  on<K extends keyof TokenEvents>(type: K, listener: (event: TokenEvents[K]) => void): () => void;
  on(type: '*', listener: (event: TokenEvent) => void): () => void;

  /** Resumes scheduling after {@link stop}; {@link setTokens} does it too. */
  start(): void;

  /**
   * Plans and sends nothing more by itself; the answer to a request under way still counts. Tokens stay. Calls that
   * wait for a refresh reject with `RefreshUnavailableError`, cause `stopped`.
   */
  stop(): void;

  /** Says that the app is being used: with `whenIdle: 'lapse'` the session is kept alive from here on. */
  touch(): void;

  /** Lets go of everything for good; calls still open reject with `DisposedError`. */
  dispose(): void;

  /** Counters since creation. Plain data without secrets. */
  metrics(): Metrics;

  /** The last steps as numeric codes, and origins that answered 401 without being listed. Plain data without secrets. */
  diagnostics(): Diagnostics;
}

export interface FetchInit extends RequestInit {
  /** `'omit'`: this request gets no token, and its 401 no refresh. */
  auth?: 'omit' | undefined;
}

export interface RunOptions {
  /** Whether a result or an error means a refused token. Default: its `status`, or `response.status`, is 401. */
  isUnauthorized?: ((outcome: unknown) => boolean | PromiseLike<boolean>) | undefined;
}

export interface SetTokensOptions {
  /**
   * `'auto'` (default) compares issuer and subject of the tokens: the same go on with the session, others begin a new
   * one. For tokens that cannot be read, say `'same'` or `'new'`. Said of another user, or of a session that was read
   * back without its access token, so that nobody here knows whose it is, `'same'` begins a new one all the same.
   */
  session?: 'auto' | 'new' | 'same' | undefined;
}

export interface SignOutOptions {
  /** Whether to tell the revocation endpoint, if one is configured. Default `true`. */
  revoke?: boolean | undefined;
}

export interface AccessTokenOptions {
  /** Seconds that the token must still be good for. Default 0. */
  minValidity?: number | undefined;
  /** Ends the wait, with its own reason; the refresh goes on. */
  signal?: AbortSignal | undefined;
}

export interface RefreshOptions {
  /**
   * Skips the rule that a token of this second is new enough, and the cooldown; never `Retry-After`, the breaker or a
   * refresh in flight. Default `false`.
   */
  force?: boolean | undefined;
  /** Ends the wait, with its own reason; the refresh goes on. */
  signal?: AbortSignal | undefined;
}

export interface HeldToken {
  readonly accessToken: string;
  readonly generation: number;
  /** Unix milliseconds; absent when unknown. */
  readonly expiresAt?: number | undefined;
}

/**
 * - `restoring`: it is not known yet whether there is a session.
 * - `stale`: without a good token, and refreshable.
 * - `ending`: refused, but the access token is still good.
 */
export type SessionState = 'active' | 'ending' | 'restoring' | 'signedOut' | 'stale';

/** What a person could see. Times are Unix milliseconds. */
export interface Snapshot {
  readonly state: SessionState;
  /** Counts tokens, and goes on from one session to the next. */
  readonly generation: number;
  /** `sub` of the access token, where it is a JWT. */
  readonly subject?: string | undefined;
  readonly expiresAt?: number | undefined;
  /** The planned refresh. */
  readonly refreshAt?: number | undefined;
  /** When the refresh token ends, where the server or the token says so. Unix milliseconds. */
  readonly refreshExpiresAt?: number | undefined;
  readonly refreshing: boolean;
  readonly nextRetryAt?: number | undefined;
  /** Code of the last failure. */
  readonly error?: string | undefined;
}

/** Events and what they carry. Times are Unix milliseconds. */
export interface TokenEvents {
  sessionStarted: Event<'sessionStarted'> & Token & Subject;
  /** `extras`: the other members of the answer, such as `user`. */
  refreshed: Event<'refreshed'> & Token & { readonly extras?: Readonly<Record<string, unknown>> | undefined };
  /** `exhausted`: no retries are left; the next attempt by itself is at `nextRetryAt`. */
  refreshFailed: Event<'refreshFailed'> & {
    readonly error: TokenError;
    readonly exhausted: boolean;
    readonly nextRetryAt?: number | undefined;
  };
  retryScheduled: Event<'retryScheduled'> & { readonly attempt: number; readonly retryAt: number };
  /** The refresh was refused; the access token still works until `expiresAt`. */
  sessionExpiring: Event<'sessionExpiring'> & { readonly expiresAt?: number | undefined };
  sessionEnded: Event<'sessionEnded'> & {
    readonly reason: EndReason;
    readonly status?: number | undefined;
    readonly oauthError?: string | undefined;
  };
  userChanged: Event<'userChanged'> & Subject;
  /** Another tab has refreshed. */
  adopted: Event<'adopted'> & Token;
  /** The store failed: the session lives in memory. */
  persistFailed: Event<'persistFailed'>;
}

export type TokenEvent = TokenEvents[keyof TokenEvents];

/**
 * - `refused`: the token endpoint refused the refresh token.
 * - `refresh_response_lost_possible`: refused after an answer was lost; the token may have been spent by it.
 * - `expired`: the token ran out and there is nothing to refresh with.
 * - `callback`: the refresh callback threw `SessionEnded`.
 * - `signed_out`: `signOut` was called here.
 * - `signed_out_elsewhere`: it was called in another tab.
 */
export type EndReason =
  'callback' | 'expired' | 'refresh_response_lost_possible' | 'refused' | 'signed_out' | 'signed_out_elsewhere';

/** Counters since creation; empty while there is no engine, as on a server. */
export interface Metrics {
  /** Token requests sent. */
  readonly attempts?: number | undefined;
  /** Refreshes that brought new tokens. */
  readonly refreshed?: number | undefined;
  /** Refreshes begun because their planned moment had come, and granted. */
  readonly proactive?: number | undefined;
  /** Attempts that failed. */
  readonly failed?: number | undefined;
  /** Waits for a refresh; requests that begin to wait together are one. */
  readonly waited?: number | undefined;
  /** Waits in vain. */
  readonly rejected?: number | undefined;
  /** 401s that a second send followed. */
  readonly recovered?: number | undefined;
  /** Pairs taken over from the store. */
  readonly adopted?: number | undefined;
  /** Answers that came too late or for nothing. */
  readonly stray?: number | undefined;
  readonly persistFailed?: number | undefined;
  /** Answered refreshes by duration: up to 50, 100, 200, 400, 800, 1,600, 3,200 ms, and longer. */
  readonly latency?: readonly number[] | undefined;
}

export interface Diagnostics {
  /** The last 200 steps: monotonic milliseconds, a code, and details. `docs/diagnostics.md` says what they mean. */
  readonly steps: ReadonlyArray<readonly [at: number, code: number, ...details: number[]]>;
  /** Origins that answered 401 and are not listed in `attachTo`. */
  readonly unlisted: readonly string[];
}

/** Creates a {@link TokenManager}. Throws a `TypeError` that names an option which is missing, unknown or wrong. */
export type CreateTokenManager = (options: Options) => TokenManager;

interface Event<T> {
  readonly type: T;
}

interface Token {
  readonly generation: number;
  readonly expiresAt?: number | undefined;
}

interface Subject {
  /** `sub` of the access token, where it is a JWT. */
  readonly subject?: string | undefined;
}
