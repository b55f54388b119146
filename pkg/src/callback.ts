import { ignore } from './abort.js';
import type { CallbackData, CallbackFailure } from './engine.js';
import { ReentrantRefreshError, isTokenError } from './errors.js';
import { stringify } from './scope.js';
import type { RefreshCallback } from './settings.js';

/** Runs the app's refresh callback and notices when it waits for the refresh that it is to make. */
export interface CallbackRunner {
  refresh(told: CallbackData, signal: AbortSignal): Promise<string>;
  /** Ends a wait for a refresh when the callback turns out to be stuck. To be called when the wait begins. */
  watch<T>(wait: Promise<T>): Promise<T>;
  /** The engine has given up an attempt: a callback that still runs is stuck, or slow in its own way. */
  gaveUp(): void;
}

export function callbackRunner(callback: RefreshCallback, native: typeof globalThis.fetch): CallbackRunner {
  let entering = false;
  /** Fails the waits that began during the latest run; gone when that has ended or used the `fetch` it was given. */
  let fail = ignore;
  let stuck: Promise<never> | undefined;
  let watched: Record<'wait' | 'suspect' | 'both', Promise<unknown>> | undefined;

  return {
    async refresh(told, signal) {
      let own = ignore;
      stuck = new Promise((_, reject) => (fail = own = () => reject(new ReentrantRefreshError())));
      // Mostly nobody waits for it.
      stuck.catch(ignore);
      const clear = () => {
        if (fail === own) stuck = undefined;
      };
      const fetch: typeof native = (...args) => {
        clear();
        return native(...args);
      };
      try {
        entering = true;
        const answer = callback({ ...told, signal, fetch });
        entering = false;
        return stringify(await answer) ?? '';
      } catch (error) {
        throw outcomeOf(error);
      } finally {
        entering = false;
        clear();
      }
    },
    watch(wait) {
      const suspect = stuck;
      if (entering) return Promise.reject(new ReentrantRefreshError());
      if (!suspect) return wait;
      // Thousands may wait for the same.
      if (watched?.wait === wait && watched.suspect === suspect) return watched.both as typeof wait;
      const named = wait.catch((error: unknown) => {
        throw suspect === stuck && isTokenError(error) && error.transient ? new ReentrantRefreshError() : error;
      });
      const both = Promise.race([named, suspect]);
      watched = { wait, suspect, both };
      return both;
    },
    gaveUp: () => stuck && fail(),
  };
}

/** What the engine is told of an error: whether the session is over, or when to try again. Nothing else of it. */
function outcomeOf(error: unknown): CallbackFailure {
  try {
    const { status, retryAfter } = Object(error) as { status?: unknown; retryAfter?: unknown };
    return {
      ended: isTokenError(error) && error.code === 'session_ended',
      status: typeof status === 'number' ? status : undefined,
      // As in a header.
      retryAfter: retryAfter === undefined ? undefined : String(retryAfter),
    };
  } catch {
    // An object that does not let itself be looked at.
    return { ended: false, status: undefined, retryAfter: undefined };
  }
}
