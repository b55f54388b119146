import type { CallbackContext } from './engine.js';
import { ReentrantRefreshError, isTokenError } from './errors.js';
import type { RefreshCallback } from './settings.js';

/** Runs the app's refresh callback and notices when it waits for the refresh that it is to make. */
export interface CallbackRunner {
  refresh(context: CallbackContext): Promise<string>;
  /** Ends a wait for a refresh when the callback turns out to be stuck. To be called when the wait begins. */
  watch<T>(wait: Promise<T>): Promise<T>;
  /** The engine has given up an attempt: a callback that still runs is stuck, or slow in its own way. */
  gaveUp(): void;
}

export function callbackRunner(callback: RefreshCallback, fetch: typeof globalThis.fetch): CallbackRunner {
  let entering = false;
  /** Fails the waits that began during the latest run; gone when it has ended or used the `fetch` it was given. */
  let fail: (() => void) | undefined;
  let stuck: Promise<never> | undefined;

  return {
    async refresh(context) {
      let end: typeof fail;
      stuck = new Promise((_, reject) => (fail = end = () => reject(new ReentrantRefreshError())));
      // Mostly nobody waits for it.
      stuck.catch(() => {});
      const cleared = () => {
        if (fail === end) stuck = fail = undefined;
      };
      const own: typeof fetch = (...args) => {
        cleared();
        return fetch(...args);
      };
      try {
        entering = true;
        let answer;
        try {
          answer = callback({ ...context, fetch: own });
        } finally {
          entering = false;
        }
        return JSON.stringify(await answer) ?? '';
      } catch (error) {
        throw outcomeOf(error);
      } finally {
        cleared();
      }
    },
    watch(wait) {
      if (entering) return Promise.reject(new ReentrantRefreshError());
      const suspect = stuck;
      if (!suspect) return wait;
      const named = wait.catch((error: unknown) => {
        throw suspect === stuck && isTokenError(error) && error.transient ? new ReentrantRefreshError() : error;
      });
      return Promise.race([named, suspect]);
    },
    gaveUp: () => fail?.(),
  };
}

/** What the engine is told of an error: whether the session is over, or when to try again. Nothing else of it. */
function outcomeOf(error: unknown): { ended: boolean; status: number | undefined; retryAfter: string | undefined } {
  const { status, retryAfter } = Object(error) as { status?: unknown; retryAfter?: unknown };
  return {
    ended: isTokenError(error) && error.code === 'session_ended',
    status: typeof status === 'number' ? status : undefined,
    // As in a header.
    retryAfter: retryAfter === undefined ? undefined : String(retryAfter),
  };
}
