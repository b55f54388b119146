/** What the surroundings say. Everything is looked up at the call: importing touches no global. */
const surroundings = globalThis as { document?: Document; location?: Location; origin?: string };

/** Whether this is a window or a worker of a browser, and so has one user. */
export function isClient(): boolean {
  // workerd has a WorkerGlobalScope too, but no location.
  return 'document' in globalThis || ('WorkerGlobalScope' in globalThis && 'location' in globalThis);
}

/** What `fetch` of a window or worker resolves relative URLs against; of any other object, what the global one does. */
export function baseUrl(of: object = surroundings): string | undefined {
  const { document, location } = 'location' in of ? (of as typeof surroundings) : surroundings;
  return document?.baseURI ?? location?.href;
}

/**
 * The origin of this page or worker, where it has one. Any script can replace the global `origin`, `location` never;
 * but only the former tells of a sandbox. Believed when it says "none", it can do no harm.
 */
export function ownOrigin(): string | undefined {
  const { location, origin } = surroundings;
  return origin === 'null' || location?.origin === 'null' ? undefined : location?.origin;
}

/** As it was when this was loaded: what it is given holds tokens. */
export const { stringify } = JSON;
