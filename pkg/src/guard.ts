/**
 * Wraps every function of an instance's exports, which is the only way into wasm. A trap leaves the instance in a state
 * that nothing may rely on: it is marked dead, `onDeath` hears of it once, the error goes on, and whatever timers and
 * listeners of the dead instance still call does nothing.
 */
export function guard<T extends object>(exports: T, onDeath: () => void): T {
  let dead = false;
  let told = false;
  /** On a full stack even a call fails: what cannot be told now is told at the next one. */
  const tell = () => {
    if (told) return;
    onDeath();
    told = true;
  };
  const guarded: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(exports)) {
    guarded[name] =
      typeof value !== 'function'
        ? value
        : (...args: unknown[]) => {
            if (dead) {
              tell();
              // The glue looks into what it gets.
              return [];
            }
            try {
              return value(...args);
            } catch (error) {
              try {
                dead ||= isTrap(error);
              } catch {
                // There was no stack to look at it.
                dead = true;
              }
              if (dead) tell();
              throw error;
            }
          };
  }
  return guarded as T;
}

/** A full stack is a RangeError, and an InternalError of its own kind in Firefox. */
export function isTrap(error: unknown): boolean {
  return (
    error instanceof WebAssembly.RuntimeError ||
    error instanceof RangeError ||
    (error as Error | null)?.name === 'InternalError'
  );
}
