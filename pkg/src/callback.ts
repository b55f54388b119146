import type { CallbackContext } from './engine.js';
import { ReentrantRefreshError, isTokenError } from './errors.js';
import type { RefreshCallback } from './settings.js';

/** Runs the app's refresh callback and notices when it waits for the refresh that it is to make. */
export interface CallbackRunner {
  refresh(context: CallbackContext): Promise<string>;
  /** Ends `wait` early when the callback turns out to be stuck. To be called when a wait for a refresh begins. */
  watch<T>(wait: Promise<T>): Promise<T>;
  /** The engine has given up an attempt: a callback that is still running is stuck. */
  gaveUp(): void;
}

interface Run {
  /** Whether the callback has used the `fetch` it was given: then it is slow, not stuck. */
  proper: boolean;
  stuck: Promise<never>;
  end: () => void;
}

export function callbackRunner(callback: RefreshCallback, fetch: typeof globalThis.fetch): CallbackRunner {
  const running = new Set<Run>();
  let entering = false;

  async function refresh(context: CallbackContext): Promise<string> {
    let end!: () => void;
    const stuck = new Promise<never>((_, reject) => (end = () => reject(new ReentrantRefreshError())));
    // Most runs nobody watches.
    stuck.catch(() => {});
    const run: Run = { proper: false, stuck, end };
    const own: typeof fetch = (...args) => {
      run.proper = true;
      return fetch(...args);
    };
    running.add(run);
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
      running.delete(run);
    }
  }

  return {
    refresh,
    watch(wait) {
      if (entering) return Promise.reject(new ReentrantRefreshError());
      const suspects = [...running].filter((run) => !run.proper);
      if (!suspects.length) return wait;
      const named = wait.catch((error: unknown) => {
        const stuck = suspects.some((run) => running.has(run) && !run.proper);
        throw stuck && isTokenError(error) && error.code === 'refresh_unavailable' ? new ReentrantRefreshError() : error;
      });
      return Promise.race([named, ...suspects.map((run) => run.stuck)]);
    },
    gaveUp() {
      for (const run of running) if (!run.proper) run.end();
    },
  };
}

/** What the engine is told of an error: whether the session is over, or when to try again. Nothing else of it. */
function outcomeOf(error: unknown): { ended?: true; status?: number; retryAfter?: number } {
  if (isTokenError(error) && error.code === 'session_ended') return { ended: true };
  const { status, retryAfter } = Object(error) as { status?: unknown; retryAfter?: unknown };
  return { ...(typeof status === 'number' && { status }), ...(typeof retryAfter === 'number' && { retryAfter }) };
}
