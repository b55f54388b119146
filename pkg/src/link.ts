import { ignore } from './abort.js';
import type { EngineEvent, EngineHost, EngineSink, Operations, Verdict } from './engine.js';
import {
  DisposedError,
  SessionChangedError,
  SessionEndedError,
  type TokenError,
  type TokenErrorData,
  errorFrom,
  known,
} from './errors.js';
import { isClient } from './scope.js';
import type { Snapshot } from './types.js';

/** This side of an engine: what it last said, and the promises for what was asked of it. */
export interface Link {
  verdict(): Verdict;
  snapshot(): Snapshot;
  /** How long the token may be sent without asking the engine, in milliseconds, `LONG` at most; 0: not at all. */
  left(): number;
  /** The value of `Authorization` for a verdict. */
  authorization(verdict: Verdict): string;
  /** Starts an operation whose outcome matters. */
  ask<K extends keyof Operations>(op: K, ...args: Operations[K]): Promise<Settled>;
  /** The same for what many want at once: callers share the promise of one that is under way. */
  share<K extends keyof Operations>(op: K, ...args: Operations[K]): Promise<Settled>;
  /**
   * For right before the use of a token that was waited for: a listener, or the store, may have ended its session since
   * the wait was settled. `undefined` when all is well, else what to wait for now. Throws when the session is over.
   */
  doubt(settled: Settled): Promise<Settled> | undefined;
  /** Starts one without an outcome. */
  tell<K extends keyof Operations>(op: K, ...args: Operations[K]): void;
  inspect: EngineHost['inspect'];
  isClosed(): boolean;
  close(): void;
}

/**
 * What an operation came to, the verdict of that very moment, and what was left of it: when the promise is heard it may
 * be another.
 */
export type Settled = readonly [value: string | undefined, verdict: Verdict, left: number];

export interface LinkListener {
  changed(): void;
  event(event: EngineEvent): void;
  died(error: TokenErrorData): void;
}

const headerOf = ([scheme, bearer]: Verdict) => `${scheme} ${bearer}`;
const NOTHING: Verdict = [undefined, undefined, 0, undefined, 0, 0, 0, 0];
/** How far the two clocks may drift apart before the engine has to look again, in milliseconds. */
const DRIFT = 60_000;
/** Eleven days. */
const LONG = 1e9;
/** How far apart callers may be to share a promise: each waits for its own `maxWait`, or this much less. */
const SHARED = 250;

/** An operation under way that several wait for. */
interface Shared {
  readonly op: string;
  readonly first: unknown;
  readonly second: unknown;
  readonly at: number;
  readonly promise: Promise<Settled>;
  /** What was held once it was asked: whoever has another token may be another user. */
  readonly generation: number;
}

export function connect(makeHost: (sink: EngineSink) => EngineHost, { changed, event, died }: LinkListener): Link {
  let verdict = NOTHING;
  /** Its last four members, where they are looked at quickest; no time is left where there is no token. */
  const bounds = new Float64Array(4);
  /** That of the verdict, made once: it is as long as the token. */
  let header: string | undefined;
  let snapshot: Snapshot = { state: 'restoring', generation: 0, refreshing: false };
  let closed = false;
  let last = 0;
  let held: ReturnType<typeof setInterval> | undefined;
  const open = new Map<number, readonly [resolve: (settled: Settled) => void, reject: (error: TokenError) => void]>();
  const shared = new Map<string, Shared>();
  let latest: Shared | undefined;

  /** Timers of an engine do not hold a Node process; somebody who waits does. */
  function hold(): void {
    if (isClient()) return;
    if (!open.size) held = clearInterval(held) as undefined;
    else held ??= setInterval(ignore, 1e9);
  }

  function settle(id: number, told: string | TokenError): void {
    const [resolve, reject] = open.get(id) ?? [];
    open.delete(id);
    hold();
    if (typeof told === 'string') resolve?.([told, verdict, left()]);
    else reject?.(told);
  }

  function judge(next: Verdict): void {
    verdict = next;
    header = undefined;
    bounds.set(next[1] === undefined ? [0, 0] : [next[4], next[5], next[6], next[7]]);
  }

  function left(): number {
    const wall = Date.now();
    const mono = performance.now();
    const sinceWall = wall - bounds[2]!;
    const sinceMono = mono - bounds[3]!;
    if (sinceWall < 0 || sinceMono < 0 || Math.abs(sinceWall - sinceMono) > DRIFT) return 0;
    // A small integer is not allocated.
    return Math.max(0, Math.min(bounds[0]! - wall, bounds[1]! - mono, LONG)) | 0;
  }

  function settleAll(error: TokenError): void {
    judge(NOTHING);
    for (const id of open.keys()) settle(id, error);
  }

  const host = makeHost({
    verdict: judge,
    snapshot(next) {
      snapshot = Object.freeze(known(next));
      changed();
    },
    event,
    settle: (id, told) => settle(id, typeof told === 'string' ? told : errorFrom(told)),
    dead(error) {
      settleAll(errorFrom(error));
      died(error);
    },
  });

  const ask: Link['ask'] = (op, ...args) =>
    new Promise((...call) => {
      if (closed) return call[1](new DisposedError());
      // Positive, and in 31 bits.
      last = (last % 0x7fffffff) + 1;
      open.set(last, call);
      hold();
      host.call(last, op, args);
    });

  const begin = ask as (op: keyof Operations, ...args: unknown[]) => Promise<Settled>;
  const isFresh = (wait: Shared, at: number) => at - wait.at < SHARED && wait.generation === verdict[2];

  return {
    verdict: () => verdict,
    snapshot: () => snapshot,
    left,
    authorization: (asked) => (asked === verdict ? (header ??= headerOf(asked)) : headerOf(asked)),
    ask,
    share(op: keyof Operations, first?: unknown, second?: unknown) {
      const at = performance.now();
      // Thousands ask for the same in one turn: they need no key, and no list of arguments.
      if (latest?.op === op && latest.first === first && latest.second === second && isFresh(latest, at))
        return latest.promise;
      const key = `${op} ${first} ${second}`;
      let wait = shared.get(key);
      if (!wait || !isFresh(wait, at)) {
        const begun = (wait = { op, first, second, at, promise: begin(op, first, second), generation: verdict[2] });
        const end = () => {
          if (latest === begun) latest = undefined;
          if (shared.get(key) === begun) shared.delete(key);
        };
        shared.set(key, begun);
        // Also when it rejects and all callers have left.
        begun.promise.then(end, end);
      }
      latest = wait;
      return latest.promise;
    },
    doubt([, settled]) {
      const bearer = verdict[1];
      const generation = settled[2];
      const isSame = verdict[2] === generation;
      if (isSame && bearer === settled[1]) return undefined;
      if (closed) throw new DisposedError();
      if (snapshot.state === 'signedOut') throw new SessionEndedError();
      // One session has one token for each generation.
      if (bearer !== undefined && isSame) throw new SessionChangedError();
      return ask('unauthorized', generation, undefined).then((settled) => {
        if (settled[0] !== 'resend') throw new SessionChangedError();
        return settled;
      });
    },
    tell(op, ...args) {
      if (!closed) host.call(0, op, args);
    },
    inspect: host.inspect,
    isClosed: () => closed,
    close() {
      if (closed) return;
      closed = true;
      host.call(0, 'dispose', []);
      settleAll(new DisposedError());
    },
  };
}
