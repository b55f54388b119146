import { type Bindings, instantiate } from '../wasm/glue.js';
import type { EngineEvent, EngineHost, EngineSink, Surroundings, Verdict } from './engine.js';
import { type TokenErrorData, isTokenError } from './errors.js';
import { ignore } from './abort.js';
import { attempts } from './attempts.js';
import { guard, isTrap } from './guard.js';
import { type Source, refuse } from './loader.js';
import type { Slot } from './stores.js';
import { tabs } from './tabs.js';
import { isHidden, wakes } from './wakes.js';

type Engine = InstanceType<Bindings['TokenManager']>;
/** Reaches the engine that something is for, as long as it lives. */
type Tell = (act: (engine: Engine) => void) => void;

const RESTARTS = 3;
const RESTART_WINDOW = 60_000;

/** The engine in this thread. Throws a `TypeError` for an option that the engine refuses. */
export function localHost(source: Source, surroundings: Surroundings, sink: EngineSink): EngineHost {
  let engine: Engine | undefined;
  /** Calls that came while the module was compiling. */
  let queue: Array<() => void> | undefined;
  let failure: TokenErrorData = { code: 'internal', transient: false };
  let deaths: number[] = [];
  let stopped = false;
  /** Nobody wants an engine any more. */
  let disposed = false;
  /** Gives back what this tab has of what tabs share. */
  let part = ignore;
  /** Whether an engine has died and nobody has been told. */
  let unburied = false;

  function begin(first: boolean): void {
    if (disposed || deaths.length > RESTARTS) return;
    try {
      const module = source();
      if (module instanceof Promise) {
        queue = [];
        module.then(attach).then(flush, lose);
      } else attach(module);
    } catch (error) {
      if (first && error instanceof TypeError) throw error;
      lose(error);
    }
  }

  function flush(): void {
    const calls = queue;
    queue = undefined;
    calls?.forEach((call) => call());
  }

  function lose(error: unknown): void {
    queue = undefined;
    const { code, cause } = isTokenError(error) ? error : { code: 'internal' as const, cause: String(error) };
    sink.dead((failure = { code, cause, transient: false }));
  }

  function attach(module: WebAssembly.Module): void {
    // No more than this, and later: the stack may be full.
    const die = () => {
      engine = undefined;
      unburied = true;
      try {
        queueMicrotask(bury);
      } catch {
        // The next call will do.
      }
    };
    const { TokenManager } = instance(module, die);
    try {
      const mine: Engine = (engine = new TokenManager(
        JSON.stringify(surroundings.entries),
        hostObject((act) => engine === mine && act(mine)),
      ));
      mine.restore();
      if (isHidden()) mine.wake('hidden');
      if (stopped) mine.stop();
    } catch (error) {
      part();
      const { option, message } = error as { option?: string; message?: string };
      throw option ? new TypeError(`option "${option}": expected ${message}`) : error;
    }
  }

  /** The object whose methods the engine calls. */
  function hostObject(tell: Tell) {
    const { verdict, snapshot, event, settle } = sink;
    return calm({
      ...meet(tell),
      ...attempts(surroundings, tell),
      ...desk(surroundings.slot, tell),
      verdict: (...flat: [...Verdict]) => verdict(flat),
      snapshot,
      event: (told: EngineEvent, error: TokenErrorData | undefined) => event({ ...told, error }),
      settle,
    });
  }

  /** Meets the other tabs and watches the page. */
  function meet(tell: Tell) {
    const { meeting } = surroundings;
    const others = meeting === undefined ? undefined : tabs(meeting, (message) => tell((engine) => engine.notice(message)));
    const unwatch = wakes((wake) => tell((engine) => engine.wake(wake)));
    const held = new Map<number, () => void>();
    part = () => {
      unwatch();
      others?.close();
      for (const release of held.values()) release();
    };
    return {
      lock(id: number) {
        const told = (granted: boolean) => {
          if (!granted) held.delete(id);
          tell((engine) => engine.locked(id, granted));
        };
        const release = others?.lock(told);
        if (release) held.set(id, release);
        else told(false);
      },
      unlock(id: number) {
        held.get(id)?.();
        held.delete(id);
      },
      broadcast: (message: string) => others?.broadcast(message),
    };
  }

  function bury(): void {
    if (!unburied) return;
    unburied = false;
    part();
    const now = performance.now();
    deaths = [...deaths.filter((at) => now - at < RESTART_WINDOW), now];
    sink.dead((failure = { code: 'internal', transient: deaths.length <= RESTARTS }));
    begin(false);
  }

  begin(true);
  const host: EngineHost = {
    call(id, op, args) {
      // What is called before the burial fails with it. Said again: at the death itself there may be no stack for it.
      if (op === 'dispose') disposed = true;
      if (unburied) return queueMicrotask(bury);
      if (!engine && !queue) begin(false);
      if (queue) return void queue.push(() => host.call(id, op, args));
      if (!engine) return sink.settle(id, failure);
      if (op === 'start' || op === 'stop') stopped = op === 'stop';
      if (op === 'dispose') queueMicrotask(part);
      try {
        (engine[op] as (...args: unknown[]) => void)(...(id ? [id, ...args] : args));
      } catch {
        // After a trap everything in flight will be told.
        if (engine) sink.settle(id, { code: 'internal', transient: false });
      }
    },
    inspect(what) {
      try {
        return engine?.[what]() as unknown;
      } catch {
        return undefined;
      }
    },
  };
  return host;
}

function instance(module: WebAssembly.Module, die: () => void): Bindings {
  try {
    return instantiate(module, (exports) => guard(exports, die));
  } catch (error) {
    return refuse(error);
  }
}

/** Carries out an engine's store operations, and tells it what came of them. */
function desk({ read, write }: Slot, tell: Tell) {
  return {
    read(op: number) {
      const lost = () => tell((engine) => engine.storeRead(op, false));
      const give = (text: unknown) =>
        tell((engine) => engine.storeRead(op, true, typeof text === 'string' ? text : undefined));
      let found;
      try {
        found = read();
      } catch {
        return lost();
      }
      if (typeof found === 'object' && found) void Promise.resolve(found).then(give, lost);
      else give(found);
    },
    write(op: number, text: string, expected: string | undefined) {
      const told = (taken?: boolean) => tell((engine) => engine.storeWritten(op, taken));
      void write(text, expected).then(told, () => told());
    },
  };
}

/** The same methods, none of which throws, but for a full stack: that would unwind the engine, which dies of it. */
function calm<T extends Record<string, (...args: never[]) => void>>(host: T): T {
  const calmed: Record<string, unknown> = {};
  for (const [name, act] of Object.entries(host)) {
    calmed[name] = (...args: never[]) => {
      try {
        act(...args);
      } catch (error) {
        // Who was to be told would wait for ever.
        if (isTrap(error)) throw error;
        // All else is its own affair: the engine has settled.
      }
    };
  }
  return calmed as T;
}
