import { ignore } from './abort.js';

/** Longer than any token response, in UTF-16 units; the engine takes no more either. */
const LONGEST = 1 << 20;
/** How long one may take to come in, in milliseconds: the engine gave it up long ago, but a late one is welcome. */
const SLOWEST = 60_000;

/**
 * Makes `text()` of an answer stop reading, and cut the connection, when there is too much of it or it comes in drops:
 * then it is empty.
 */
export function brief(response: Response): Response {
  const { body } = response;
  // Where bodies are no streams, what is read cannot be stopped.
  if (!body?.getReader) return response;
  response.text = async () => {
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
  };
  return response;
}
