import type { EngineEvent, EngineHost, EngineSink, Operations, Verdict } from './engine.js';
import { DisposedError, type TokenError, type TokenErrorData, errorFrom } from './errors.js';
import { ignore } from './abort.js';
import { clocks, isClient } from './scope.js';
import type { Snapshot } from './types.js';

/** This side of an engine: what it last said, and the promises for what was asked of it. */
export interface Link {
  verdict(): Verdict;
  snapshot(): Snapshot;
  /** Whether a verdict's token may be sent, for that many milliseconds more, without asking the engine. */
  isGood(minValidity?: number, verdict?: Verdict): boolean;
  /** Starts an operation whose outcome matters. */
  ask<K extends keyof Operations>(op: K, ...args: Operations[K]): Promise<Settled>;
  /** The same for an operation that many may want at once: callers share the promise of one that is under way. */
  share<K extends keyof Operations>(op: K, ...args: Operations[K]): Promise<Settled>;
  /** Starts one without an outcome. */
  tell<K extends keyof Operations>(op: K, ...args: Operations[K]): void;
  inspect: EngineHost['inspect'];
  isClosed(): boolean;
  close(): void;
}

export interface Settled {
  readonly value: string | undefined;
  /** The verdict of that very moment: by the time the promise is heard another session may have begun. */
  readonly verdict: Verdict;
}

export interface LinkListener {
  changed(): void;
  event(event: EngineEvent): void;
  died(error: TokenErrorData): void;
}

const NOTHING: Verdict = {
  scheme: undefined,
  bearer: undefined,
  generation: 0,
  expiresAt: undefined,
  untilWall: 0,
  untilMono: 0,
  checkedWall: 0,
  checkedMono: 0,
};
/** How far the two clocks may drift apart before the engine has to look again, in milliseconds. */
const DRIFT = 60_000;
/** How far apart callers may be to share a promise: each waits for its own `maxWait`, and this much less. */
const SHARED = 250;

export function connect(makeHost: (sink: EngineSink) => EngineHost, listener: LinkListener): Link {
  let verdict = NOTHING;
  let snapshot: Snapshot = { state: 'restoring', generation: 0, refreshing: false };
  let closed = false;
  let lastId = 0;
  let keepAlive: ReturnType<typeof setInterval> | undefined;
  const open = new Map<number, { resolve: (settled: Settled) => void; reject: (error: TokenError) => void }>();
  const shared = new Map<string, { at: number; promise: Promise<Settled> }>();

  /** The engine's timers do not hold a Node process; a caller that waits does. */
  function hold(): void {
    if (isClient()) return;
    if (!open.size) keepAlive = void clearInterval(keepAlive);
    else keepAlive ??= setInterval(ignore, 1e9);
  }

  function rejectAll(error: () => TokenError): void {
    const calls = [...open.values()];
    open.clear();
    hold();
    for (const { reject } of calls) reject(error());
  }

  const host = makeHost({
    verdict: (next) => void (verdict = next),
    snapshot(next) {
      snapshot = Object.freeze(next);
      listener.changed();
    },
    event: listener.event,
    settle(id, error, value) {
      const call = open.get(id);
      open.delete(id);
      hold();
      if (error) call?.reject(errorFrom(error));
      else call?.resolve({ value, verdict });
    },
    dead(error) {
      verdict = NOTHING;
      rejectAll(() => errorFrom(error));
      listener.died(error);
    },
  });

  const link: Link = {
    verdict: () => verdict,
    snapshot: () => snapshot,
    isGood(minValidity = 0, { bearer, untilWall, untilMono, checkedWall, checkedMono } = verdict) {
      const [wall, mono] = clocks();
      const walked = wall - checkedWall;
      const passed = mono - checkedMono;
      return (
        bearer !== undefined &&
        wall + minValidity < untilWall &&
        mono + minValidity < untilMono &&
        walked >= 0 &&
        passed >= 0 &&
        Math.abs(walked - passed) <= DRIFT
      );
    },
    ask: (op, ...args) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new DisposedError());
        // Positive, and in 31 bits.
        lastId = (lastId % 0x7fffffff) + 1;
        open.set(lastId, { resolve, reject });
        hold();
        host.call(lastId, op, args);
      }),
    share(op, ...args) {
      const key = [op, ...args].join();
      const at = clocks()[1];
      const last = shared.get(key);
      if (last && at - last.at < SHARED) return last.promise;
      const entry = { at, promise: link.ask(op, ...args) };
      shared.set(key, entry);
      const end = () => {
        if (shared.get(key) === entry) shared.delete(key);
      };
      // Callers may all have left by the time it rejects.
      entry.promise.then(end, end);
      return entry.promise;
    },
    tell(op, ...args) {
      if (!closed) host.call(0, op, args);
    },
    inspect: (what) => host.inspect(what),
    isClosed: () => closed,
    close() {
      if (closed) return;
      closed = true;
      host.call(0, 'dispose', []);
      verdict = NOTHING;
      rejectAll(() => new DisposedError());
    },
  };
  return link;
}
