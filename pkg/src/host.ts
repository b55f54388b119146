import { type Bindings, instantiate } from '../wasm/glue.js';
import type { EngineEvent, EngineHost, EngineSink, Surroundings, Verdict } from './engine.js';
import { type TokenErrorData, isTokenError } from './errors.js';
import { ignore } from './abort.js';
import { guard } from './guard.js';
import { type Source, refuse } from './loader.js';
import { tabs } from './tabs.js';

type Engine = InstanceType<Bindings['TokenManager']>;
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
      part();
      unburied = true;
      queueMicrotask(bury);
    };
    const { TokenManager } = instance(module, die);
    try {
      const mine: Engine = (engine = new TokenManager(
        JSON.stringify(surroundings.entries),
        hostObject(surroundings, sink, meet((act) => engine === mine && act(mine))),
      ));
      engine.restore();
      if (stopped) engine.stop();
    } catch (error) {
      part();
      const { option, message } = error as { option?: string; message?: string };
      throw option ? new TypeError(`option "${option}": expected ${message}`) : error;
    }
  }

  /** Meets the other tabs. `tell` reaches the engine that this is for, as long as it lives. */
  function meet(tell: (act: (engine: Engine) => void) => void): Meeting {
    const { meeting } = surroundings;
    const others = meeting === undefined ? undefined : tabs(meeting, (message) => tell((engine) => engine.notice(message)));
    const held = new Map<number, () => void>();
    part = () => {
      others?.close();
      for (const release of held.values()) release();
    };
    return {
      lock(id) {
        const told = (granted: boolean) => {
          if (!granted) held.delete(id);
          tell((engine) => engine.locked(id, granted));
        };
        const release = others?.lock(told);
        if (release) held.set(id, release);
        else told(false);
      },
      unlock(id) {
        held.get(id)?.();
        held.delete(id);
      },
      broadcast: (message) => others?.broadcast(message),
    };
  }

  function bury(): void {
    if (!unburied) return;
    unburied = false;
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

interface Meeting {
  lock(id: number): void;
  unlock(id: number): void;
  broadcast(message: string): void;
}

/** The object whose methods the engine calls. */
function hostObject(
  { slot, fetch, refresh, csrf, ruling }: Surroundings,
  { verdict, snapshot, event, settle }: EngineSink,
  meeting: Meeting,
) {
  return {
    ...meeting,
    ruling,
    verdict: (...flat: [...Verdict]) => verdict(flat),
    snapshot,
    event: (told: EngineEvent, error: TokenErrorData | undefined) => event({ ...told, error }),
    settle,
    read: slot.read,
    write: slot.write,
    fetch,
    refresh,
    csrf,
  };
}
