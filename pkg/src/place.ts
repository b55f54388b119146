/** Somewhere that may get the token. */
export interface Place {
  readonly origin: string;
  /** With a leading slash. */
  readonly path: string;
}

/** Reads an entry of `attachTo` or `exclude`; `undefined` when it could mean more, or less, than it says. */
export function placeOf(text: string, base: string | undefined): Place | undefined {
  // A path or a whole origin, never `api.example.com`, which is a path too; and no patterns.
  if (!/^(https?:\/\/|\/(?![/\\]))[^?#*\\\s]*$/i.test(text)) return undefined;
  const url = addressOf(text, base);
  return url && { origin: url.origin, path: url.pathname };
}

/** An http or https URL without a user's name in it. */
export function addressOf(text: string, base: string | undefined): URL | undefined {
  let url;
  try {
    url = new URL(text, base);
  } catch {
    return undefined;
  }
  url.hash = '';
  return /^https?:$/.test(url.protocol) && !url.username && !url.password ? url : undefined;
}
