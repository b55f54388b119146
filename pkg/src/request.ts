import type { FetchInit } from './types.js';

export type Fetch = typeof globalThis.fetch;

/** A function that looks like the native one: its name, its length 1, and a promise for every failure. */
export function asFetch(run: Fetch): Fetch {
  const like = {
    fetch(_input: RequestInfo | URL, _init: RequestInit | undefined = undefined): Promise<Response> {
      try {
        return run(...(arguments as unknown as Parameters<Fetch>));
      } catch (error) {
        return Promise.reject(error);
      }
    },
  };
  return like.fetch;
}

/** A request as it was at the call, ready to go out. */
export interface Outgoing {
  readonly method: string;
  readonly signal: AbortSignal | null | undefined;
  /** Whether it carries the caller's own `Authorization`, which only shows in the exact way. */
  readonly own: boolean;
  /** Whether it can go out a second time, byte for byte. */
  readonly replayable: boolean;
  send(fetch: Fetch, authorization: string | undefined): Promise<Response>;
  /** Lets go of the copy kept for a second time. */
  done(): void;
}

/** Takes a request. Throws when it is none, as the native `fetch` would reject. */
export function outgoing(input: RequestInfo | URL, init: FetchInit | undefined, href: string): Outgoing {
  return !isTagged(input, 'Request') && isPlainInit(init) ? fromPlain(input, init, href) : fromRequest(input, init);
}

/** The cheap way: no `Request`, no `Headers`, nothing that the caller could change after the call. */
function fromPlain(input: RequestInfo | URL, init: FetchInit | undefined, href: string): Outgoing {
  const headers = { ...(init?.headers as Record<string, string> | undefined) };
  const copy = { ...init, headers };
  let target = input;
  return {
    method: (copy.method ?? 'GET').toUpperCase(),
    signal: copy.signal,
    own: false,
    replayable: true,
    send(fetch, authorization) {
      const to = target;
      // The page's base may have changed by the second time.
      target = href;
      if (authorization) headers.Authorization = authorization;
      return fetch(to, copy);
    },
    done() {},
  };
}

/** The exact way: the browser merges input and init as the standard says, and takes the body as it is now. */
function fromRequest(input: RequestInfo | URL, init: FetchInit | undefined): Outgoing {
  const request = new Request(input, init);
  const { method, signal } = request;
  const own = request.headers.has('authorization');
  const streams = isStream(init?.body);
  let next: Request | undefined = request;
  // Without a body the same request can go out again. (Older Firefox has no `body` to ask.)
  let spare = own || streams || method === 'GET' || method === 'HEAD' ? request : request.clone();
  return {
    method,
    signal,
    own,
    replayable: !streams,
    send(fetch, authorization) {
      const now = next ?? spare;
      next = undefined;
      if (authorization) now.headers.set('Authorization', authorization);
      return fetch(now);
    },
    done() {
      if (spare !== request) spare.body?.cancel().catch(() => {});
      spare = request;
    },
  };
}

/** Whether everything in it is immutable or copied by a spread. */
function isPlainInit(init: FetchInit | undefined): boolean {
  if (!init) return true;
  const { headers, body } = init;
  return isPlain(init) && (!headers || isPlain(headers)) && (body == null || typeof body === 'string');
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A body that can be read only once. (Node takes any asynchronous iterable.) */
function isStream(body: unknown): boolean {
  return isTagged(body, 'ReadableStream') || (typeof body === 'object' && body !== null && Symbol.asyncIterator in body);
}

/** By tag, because what comes from another frame is an instance of that frame's classes. */
export function isTagged(value: unknown, tag: string): boolean {
  return Object.prototype.toString.call(value) === `[object ${tag}]`;
}

/** Whether a request brings its own `Authorization`, in any spelling, where that shows without taking the request. */
export function hasOwnAuthorization(input: unknown, init: FetchInit | undefined): boolean {
  const headers = init?.headers ?? (isTagged(input, 'Request') ? (input as Request).headers : undefined);
  if (!headers) return false;
  if (isTagged(headers, 'Headers')) return (headers as Headers).has('authorization');
  const names = Array.isArray(headers) ? headers.map((pair) => String(pair?.[0])) : Object.keys(headers);
  return names.some((name) => name.toLowerCase() === 'authorization');
}
