import type { TokenErrorData } from './errors.js';
import type { RefreshContext } from './settings.js';
import type { Slot } from './stores.js';
import type { Snapshot } from './types.js';

/** An engine, wherever it lives. What crosses is plain data, so that it could live in a worker. */
export interface EngineHost {
  /** Starts an operation; the outcome of one that has any comes as `settle` with the same id. */
  call<K extends keyof Operations>(id: number, op: K, args: Operations[K]): void;
  /** Counters or steps; `undefined` while there is no engine. */
  inspect(what: 'diagnostics' | 'metrics'): unknown;
}

/** What can be asked of an engine. */
export interface Operations {
  dispose: [];
  /** Settles when `verdict` holds a token with this many milliseconds left; 0: any good one. */
  need: [minValidity: number];
  refresh: [force: boolean];
  /** How sending again went: whether the token of this generation was accepted. */
  replayed: [generation: number, accepted: boolean];
  setTokens: [json: string, mode: string];
  signOut: [revoke: boolean];
  start: [];
  stop: [];
  /** The app is being used. */
  touch: [];
  /** A 401 for a request with this generation's token. Settles with `resend` or `pass`. */
  unauthorized: [generation: number, challenge: string | undefined];
}

/** What an engine tells. */
export interface EngineSink {
  verdict(verdict: Verdict): void;
  snapshot(snapshot: Snapshot): void;
  event(event: EngineEvent): void;
  /** What a call came to; an object: it failed. */
  settle(id: number, told: string | TokenErrorData): void;
  /** The engine crashed, or could not be had at all: what is in flight is lost. */
  dead(error: TokenErrorData): void;
}

/** The held token, and how long nobody needs to ask the engine about it. Flat, as it crosses. */
export type Verdict = readonly [
  scheme: string | undefined,
  /** `undefined`: none is held. Empty: it is an HttpOnly cookie. */
  bearer: string | undefined,
  generation: number,
  /** Unix milliseconds. */
  expiresAt: number | undefined,
  /** Good while both clocks are before these. */
  untilWall: number,
  untilMono: number,
  /** When it was judged. */
  checkedWall: number,
  checkedMono: number,
];

export interface EngineEvent {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** Options as the engine takes them, by its own names; durations in milliseconds. */
export type Entries = Record<string, number | string>;

/** What an engine needs of its surroundings. */
export interface Surroundings {
  readonly entries: Readonly<Entries>;
  readonly slot: Slot;
  /** Beneath what intercepts. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** The app's refresh callback; resolves with the JSON text of an answer. */
  readonly refresh: ((told: CallbackData, signal: AbortSignal) => Promise<string>) | undefined;
  /** The CSRF value of this moment. */
  readonly csrf: () => string | undefined;
  /** What the app's own rule says of an answer: whether it ends the session. */
  readonly ruling: (url: string, response: Response) => Promise<boolean | undefined>;
  /** Under what name tabs meet, if they do. */
  readonly meeting: string | undefined;
}

/** What the engine tells the app's refresh callback. */
export type CallbackData = Omit<RefreshContext, 'fetch' | 'signal'>;

/** What the app's refresh callback has failed with. */
export interface CallbackFailure {
  /** Whether the session is over. */
  readonly ended: boolean;
  readonly status: number | undefined;
  readonly retryAfter: string | undefined;
}
