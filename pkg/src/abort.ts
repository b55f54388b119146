/** Waits, unless `signal` says otherwise: then rejects at once with its reason. What was waited for goes on. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).then(() => signal.removeEventListener('abort', leave));
  });
}

export function ignore(): void {}
