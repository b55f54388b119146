import { ignore } from './abort.js';

/** Longer than any token response, in UTF-16 units. */
const LONGEST = 1 << 20;
/** How long one may take to come in, in milliseconds: the engine gave it up long ago, but a late one is welcome. */
const SLOWEST = 60_000;

/**
 * The text of an answer. When there is too much of it, or it comes in drops, it is empty: the rest is not read, and the
 * connection cut.
 */
export async function brief(response: Response): Promise<string> {
  const { body } = response;
  // Where bodies are no streams, what is read cannot be stopped.
  if (!body?.getReader) return short(await response.text());
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const begun = performance.now();
  for (let text = ''; ; ) {
    const { done, value } = await reader.read();
    text += decoder.decode(value, { stream: !done });
    if (done) return text;
    if (text.length > LONGEST || performance.now() - begun > SLOWEST) {
      reader.cancel().catch(ignore);
      return '';
    }
  }
}

/** One that is no text, or too long to be a token response, is not copied into the engine. */
export function short(text: unknown): string {
  return typeof text === 'string' && text.length <= LONGEST ? text : '';
}
