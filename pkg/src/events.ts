/** Calls that many listeners want to hear of. A listener that throws is reported and keeps nothing from the others. */
export interface Listeners<A extends unknown[]> {
  add(listener: (...args: A) => void): () => void;
  tell(...args: A): void;
}

export function listeners<A extends unknown[]>(): Listeners<A> {
  // Wrapped, so that the same function added twice is heard twice and removed one by one.
  const all = new Set<{ listener: (...args: A) => void }>();
  return {
    add(listener) {
      const entry = { listener };
      all.add(entry);
      return () => void all.delete(entry);
    },
    tell(...args) {
      for (const { listener } of [...all]) report(() => listener(...args));
    },
  };
}

/** Runs code of the app, whose errors are its own: they go where uncaught ones go. */
export function report(run: () => void): void {
  try {
    run();
  } catch (error) {
    (globalThis.reportError ?? console.error)(error);
  }
}
