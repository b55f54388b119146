/** What the tabs of one session name share: a lock, and a channel for hints that the store holds something newer. */
export interface Tabs {
  /** Queues for the lock; `told` hears once whether it was granted. */
  lock(told: (granted: boolean) => void): () => void;
  broadcast(message: string): void;
  close(): void;
}

const LONGEST = 128;

export function tabs(name: string, hear: (message: string) => void): Tabs {
  let channel: BroadcastChannel | undefined;

  function open(): void {
    try {
      channel ??= new BroadcastChannel(name);
      // A longer one is none of ours, and would only take room in the module's memory.
      channel.onmessage = ({ data }) => typeof data === 'string' && data.length < LONGEST && hear(data);
      // Node only: it is no reason to keep the process running.
      (channel as { unref?(): void }).unref?.();
    } catch {
      // Hints are a matter of speed: the store is looked at all the same.
    }
  }

  // An open channel would keep the page out of the back/forward cache.
  function hide(): void {
    channel?.close();
    channel = undefined;
  }

  open();
  globalThis.addEventListener?.('pagehide', hide);
  globalThis.addEventListener?.('pageshow', open);

  return {
    lock(told) {
      const leave = new AbortController();
      let release = (): void => leave.abort();
      const held = new Promise<void>((resolve) => {
        release = () => {
          leave.abort();
          resolve();
        };
      });
      try {
        navigator.locks
          .request(name, { signal: leave.signal }, () => {
            told(true);
            return held;
          })
          .catch(() => told(false));
      } catch {
        told(false);
      }
      return release;
    },
    broadcast: (message) => channel?.postMessage(message),
    close() {
      hide();
      globalThis.removeEventListener?.('pagehide', hide);
      globalThis.removeEventListener?.('pageshow', open);
    },
  };
}
