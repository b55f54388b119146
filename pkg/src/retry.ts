import { abortable } from './abort.js';
import { drop } from './ask.js';

/** Methods that may be sent again without being asked for (RFC 9110 §9.2.2). */
export const IDEMPOTENT = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PUT'];

/** The app's own retries: of which methods, how often, and the pauses between, in milliseconds. */
export interface Retry {
  readonly attempts: number;
  readonly methods: readonly string[];
  readonly delay: number;
  readonly cap: number;
}

/** Sends until the answer is more than a passing trouble, or the attempts are used up. */
export async function retrying(
  send: () => Promise<Response>,
  { attempts, delay, cap }: Retry,
  signal: AbortSignal | null | undefined,
): Promise<Response> {
  for (let retried = 0; ; retried++) {
    let response;
    try {
      response = await send();
      if (response.status < 500 && response.status !== 429) return response;
    } catch (error) {
      if (retried >= attempts || (error as Error).name !== 'TypeError') throw error;
    }
    const wait = Math.max(
      Math.min(delay * 2 ** retried, cap) * (0.5 + Math.random() / 2),
      after(response?.headers?.get?.('retry-after')),
    );
    if (response) {
      if (retried >= attempts || wait > cap) return response;
      drop(response);
    }
    await abortable(new Promise((resolve) => setTimeout(resolve, wait)), signal);
  }
}

/** `Retry-After` in milliseconds: seconds, or a date of HTTP (RFC 9110 §5.6.7), whose oldest form names no zone; else 0. */
function after(value: string | null = ''): number {
  if (/^\d+$/.test(value!)) return +value! * 1000;
  return (/^[FMSTW]\w+,? .+:/.test(value!) && Date.parse(value!.replace(/( GMT)?$/, ' GMT')) - Date.now()) || 0;
}
