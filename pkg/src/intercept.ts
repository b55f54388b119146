import { type Fetch, asFetch } from './request.js';

/** Something with a `fetch` to replace. */
export interface Interceptable {
  fetch: Fetch;
}

interface Layer {
  /** What was there before. */
  next: Fetch;
  live: boolean;
}

/** Every replacement of this copy of the package, so that layers can be taken out in any order. */
const layers = new WeakMap<Fetch, Layer>();

/** What is under all replacements: the native `fetch`, or another library's. */
export function beneath(fetch: Fetch): Fetch {
  for (let layer; (layer = layers.get(fetch));) fetch = layer.next;
  return fetch;
}

/** Replaces `target.fetch` by what `make` makes of it; returns the function that undoes it. */
export function intercept(target: Interceptable, make: (next: Fetch) => Fetch): () => void {
  const own = Object.hasOwn(target, 'fetch');
  // As a method, because a window's own `fetch` refuses to be called on anything else.
  const before = target.fetch;
  const layer: Layer = { next: before, live: true };
  const send: Fetch = (...args) => before.apply(target, args);
  const lane = make(send);
  // Called on something else than the native one takes, it fails like that.
  const fetch = asFetch(function (this: unknown, ...args) {
    if (this != null && this !== target) return before.apply(this as Interceptable, args);
    return (layer.live ? lane : send)(...args);
  });
  layers.set(fetch, layer);
  target.fetch = fetch;
  return () => {
    layer.live = false;
    let top = target.fetch;
    if (top !== fetch) return;
    // Layers below that were undone while this one lay over them go with it.
    for (let under; (under = layers.get(top)) && !under.live;) top = under.next;
    target.fetch = top;
    if (top === before && !own) delete (target as Partial<Interceptable>).fetch;
  };
}
