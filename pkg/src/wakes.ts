/** What makes an engine look at the clocks and the store again. Hidden, it asks before it sends. */
export type Wake = 'focus' | 'hidden' | 'online' | 'shown';

// None of them is `unload` or `beforeunload`, which would keep the page out of the back/forward cache.
const DOCUMENT_EVENTS = ['visibilitychange', 'freeze', 'resume'];
const WINDOW_EVENTS = ['pageshow', 'pagehide', 'online', 'focus'];

/** Tells of page lifecycle events, in a worker of what there is of them. Returns what ends it. */
export function wakes(tell: (wake: Wake) => void): () => void {
  const listener = ({ type }: Event) => tell(meaning(type));
  const each = (act: 'addEventListener' | 'removeEventListener') => {
    try {
      for (const type of DOCUMENT_EVENTS) globalThis.document?.[act]?.(type, listener);
      for (const type of WINDOW_EVENTS) globalThis[act]?.(type, listener);
    } catch {
      // Where none can be listened to there is none to follow.
    }
  };
  each('addEventListener');
  return () => each('removeEventListener');
}

/** Whether the page cannot be seen now. */
export function isHidden(): boolean {
  return globalThis.document?.visibilityState === 'hidden';
}

function meaning(type: string): Wake {
  if (type === 'focus' || type === 'online') return type;
  // `pageshow` and `resume` come to tabs in the background too.
  return type === 'freeze' || type === 'pagehide' || isHidden() ? 'hidden' : 'shown';
}
