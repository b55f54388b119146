/**
 * Wraps every function of an instance's exports, which is the only way into wasm. A trap leaves the instance in a state
 * that nothing may rely on: it is marked dead, `onDeath` hears of it once, the error goes on, and whatever timers and
 * listeners of the dead instance still call does nothing.
 */
export function guard<T extends object>(exports: T, onDeath: (reason: unknown) => void): T {
  let dead = false;
  const guarded: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(exports)) {
    guarded[name] =
      typeof value !== 'function'
        ? value
        : (...args: unknown[]) => {
            // The glue looks into what it gets.
            if (dead) return [];
            try {
              return value(...args);
            } catch (error) {
              if (!dead && isTrap(error)) {
                dead = true;
                onDeath(error);
              }
              throw error;
            }
          };
  }
  return guarded as T;
}

/** A full stack is a RangeError, and an InternalError of its own kind in Firefox. */
function isTrap(error: unknown): boolean {
  return (
    error instanceof WebAssembly.RuntimeError ||
    error instanceof RangeError ||
    (error as Error | null)?.name === 'InternalError'
  );
}
