/** What the surroundings say. Everything is looked up at the call: importing touches no global. */
const surroundings = globalThis as { document?: Document; location?: Location; origin?: string };

/** Whether this is a window or a worker of a browser, and so has one user. */
export function isClient(): boolean {
  // workerd has a WorkerGlobalScope too, but no location.
  return 'document' in globalThis || ('WorkerGlobalScope' in globalThis && 'location' in globalThis);
}

/** What `fetch` resolves relative URLs against. */
export function baseUrl(): string | undefined {
  return surroundings.document?.baseURI ?? surroundings.location?.href;
}

/** The origin that the browser takes this page or worker for; `'null'` is nobody's. */
export function ownOrigin(): string | undefined {
  return surroundings.origin;
}

/** Times in milliseconds by the wall clock and by the one that nobody can set. */
export function clocks(): [wall: number, mono: number] {
  return [Date.now(), performance.now()];
}
