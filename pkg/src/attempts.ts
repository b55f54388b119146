import { brief, short } from './brief.js';
import type { CallbackData, CallbackFailure, Surroundings } from './engine.js';

/** What an engine can be told of a token request. */
interface Hearer {
  answered(attempt: number, status: number, body: string, headers?: Headers, ruling?: boolean): void;
  failed(attempt: number, ended: boolean, status?: number, retryAfter?: string): void;
  unreachable(attempt: number): void;
}

type Word = (engine: Hearer) => void;

/** Carries out an engine's token requests, and tells it what came of them. */
export function attempts({ fetch, ruling, refresh, csrf }: Surroundings, tell: (word: Word) => void) {
  const open = new Map<number | undefined, AbortController>();

  async function begin(
    attempt: number | undefined,
    work: (signal: AbortSignal) => Promise<Word>,
    otherwise: (error: unknown) => Word,
  ): Promise<void> {
    const controller = new AbortController();
    open.set(attempt, controller);
    // In a turn of its own: it runs code of the app.
    await undefined;
    const outcome = await work(controller.signal).catch(otherwise);
    open.delete(attempt);
    // Signing out never depends on a revocation.
    if (attempt !== undefined) tell(outcome);
  }

  return {
    send(
      attempt: number | undefined,
      url: string,
      init: RequestInit,
      headers: Record<string, string>,
      csrfHeader: string | undefined,
    ): void {
      void begin(
        attempt,
        async (signal) => {
          const value = csrfHeader && csrf();
          if (typeof value === 'string') headers[csrfHeader!] = value;
          // A token never follows a redirect.
          const own = { headers, signal, cache: 'no-store', redirect: 'error', referrerPolicy: 'no-referrer' } as const;
          const response = await fetch(url, { ...init, ...own });
          const ruled = await ruling(url, response);
          const text = await brief(response);
          // (What a getter throws is a failure of the request.)
          const { status, headers: answered } = response;
          return (engine) => engine.answered(attempt!, status, text, answered, ruled);
        },
        () => (engine) => engine.unreachable(attempt!),
      );
    },
    refresh(
      attempt: number,
      refreshToken: string | undefined,
      accessToken: string | undefined,
      count: number,
      reason: CallbackData['reason'],
    ): void {
      void begin(
        attempt,
        async (signal) => {
          // All of them are its own members: what `Object.prototype` has is none.
          const text = await refresh!({ refreshToken, accessToken, attempt: count, reason }, signal);
          return (engine) => engine.answered(attempt, 200, short(text));
        },
        (error) => {
          const { ended, status, retryAfter } = error as CallbackFailure;
          return (engine) => engine.failed(attempt, ended, status, retryAfter);
        },
      );
    },
    abort(attempt: number): void {
      open.get(attempt)?.abort();
      open.delete(attempt);
    },
  };
}
