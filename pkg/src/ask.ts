import { ignore } from './abort.js';

/**
 * What the app's own rule says of an answer, of which it gets a copy; `otherwise` when it fails or takes more than
 * `patience` milliseconds.
 */
export async function ask<T>(
  response: Response,
  rule: (copy: Response) => T | PromiseLike<T>,
  otherwise: T,
  patience: number,
): Promise<T> {
  let copy;
  let timer;
  try {
    // Fails when a wrapper beneath has read the body.
    copy = response.clone();
    const late = new Promise<T>((resolve) => (timer = setTimeout(resolve, patience, otherwise)));
    return await Promise.race([late, rule(copy)]);
  } catch {
    return otherwise;
  } finally {
    clearTimeout(timer);
    if (copy) drop(copy);
  }
}

/** Frees the connection of a response that nobody reads, if it is one and no test's double. */
export function drop(response: Response): void {
  response.body?.cancel?.().catch(ignore);
}
