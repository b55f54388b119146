import { brief, short } from './brief.js';
import type { CallbackData, CallbackFailure, Surroundings } from './engine.js';
import type { Engine, Tell } from './host.js';

/** Carries out an engine's token requests, and tells it what came of them. */
export function attempts({ fetch, ruling, refresh, csrf }: Surroundings, tell: Tell) {
  const open = new Map<number | undefined, AbortController>();

  async function begin(
    attempt: number | undefined,
    work: (signal: AbortSignal) => Promise<(engine: Engine) => void>,
    otherwise: (error: unknown) => (engine: Engine) => void,
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
          return (engine) => engine.answered(attempt!, response.status, text, response.headers, ruled);
        },
        () => (engine) => engine.unreachable(attempt!),
      );
    },
    refresh(attempt: number, told: CallbackData): void {
      void begin(
        attempt,
        async (signal) => {
          const text = await refresh!(told, signal);
          return (engine) => engine.answered(attempt, 200, short(text));
        },
        (error) => {
          const { ended, status, retryAfter } = error as CallbackFailure;
          return (engine) => engine.failed(attempt, ended, status, retryAfter);
        },
      );
    },
    abort: (attempt: number) => open.get(attempt)?.abort(),
  };
}
