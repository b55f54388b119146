import { ignore } from './abort.js';

export type Fetch = typeof globalThis.fetch;

/**
 * A function that looks like the native one: its name, its length 1, and a promise for every failure. `run` also gets
 * what it was called on.
 */
export function asFetch(run: (args: Parameters<Fetch>, self: unknown) => Promise<Response>): Fetch {
  const like = {
    fetch(_input: RequestInfo | URL, _init: RequestInit | undefined = undefined): Promise<Response> {
      try {
        return run([...arguments] as Parameters<Fetch>, this);
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
  /** Whether it carries the caller's own `Authorization`, where that showed only now. */
  readonly own?: boolean;
  /** Whether it can go out a second time, byte for byte. */
  readonly replayable: boolean;
  /** Arguments for the next send. */
  next(authorization?: string): [input: RequestInfo | URL, init?: RequestInit];
  /** To be called before a wait: from now on nothing is read of what the caller may change. */
  keep(): void;
  /** Lets go of what is kept for a second time. */
  done(): void;
}

/** Takes a request. Throws when it is none, as the native `fetch` would reject. */
export function outgoing(input: RequestInfo | URL, init: RequestInit | undefined, href: string): Outgoing {
  const { headers: given, body, signal } = init ?? {};
  if (isRequest(input)) return exact(input, init, href);
  const plain =
    (!init || isPlain(init)) &&
    (given === undefined || isPlain(given)) &&
    (body == null || typeof body === 'string') &&
    (signal == null || isTagged(signal, 'AbortSignal'));
  if (!plain) return exact(href, init, href);

  // The cheap way: nothing that the caller could change after the call, so a copy will do.
  const headers = { ...(given as Record<string, string> | undefined) };
  const copy = { ...init, headers };
  const keep = () => void (target = href);
  // A URL object may be another one by the time of the send, or name another place at each look.
  let target = typeof input === 'string' ? input : href;
  return {
    method: (copy.method ?? 'GET').toUpperCase(),
    signal: copy.signal,
    replayable: true,
    next(authorization) {
      const to = target;
      // The page's base may have changed by the second time.
      keep();
      if (authorization) headers.Authorization = authorization;
      return [to, copy];
    },
    keep,
    done: ignore,
  };
}

/** The exact way: the browser merges input and init as the standard says, and takes the body as it is now. */
function exact(input: RequestInfo, init: RequestInit | undefined, href: string): Outgoing {
  let request = new Request(input, init);
  // What only looks like a Request may name one place and lead to another.
  if (request.url !== href) throw new TypeError();
  const body = init?.body;
  const copy = copyOf(body);
  if (copy !== undefined) {
    const { referrer, referrerPolicy } = request;
    // (Only these would be lost.)
    request = new Request(request, { body: copy, referrer, referrerPolicy });
  }
  const { method, signal, headers } = request;
  const own = headers.has('authorization');
  // (Node takes any asynchronous iterable.)
  const streams = isTagged(body, 'ReadableStream') || Symbol.asyncIterator in Object(body);
  let next: Request | undefined = request;
  // Without a body the same request can go out again. (Older Firefox has no `body` to ask.)
  const spare = own || streams || method === 'GET' || method === 'HEAD' ? request : request.clone();
  return {
    method,
    signal,
    own,
    replayable: !streams,
    next(authorization) {
      const now = next ?? spare;
      next = undefined;
      if (authorization) now.headers.set('Authorization', authorization);
      return [now];
    },
    keep: ignore,
    done() {
      if (spare !== request) spare.body?.cancel().catch(ignore);
    },
  };
}

/** A copy of what WebKit looks into only when it sends: buffers and parameters. */
function copyOf(body: unknown): ArrayBuffer | string | undefined {
  if (isTagged(body, 'URLSearchParams')) return String(body);
  const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(body) ? body : { buffer: body, byteOffset: 0 };
  if (!isTagged(buffer, 'ArrayBuffer')) return undefined;
  return (buffer as ArrayBuffer).slice(byteOffset, byteLength && byteOffset + byteLength);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

export function isRequest(input: unknown): input is Request {
  return input instanceof Request || isTagged(input, 'Request');
}

/** By tag, because what comes from another frame is an instance of that frame's classes. */
function isTagged(value: unknown, tag: string): boolean {
  return Object.prototype.toString.call(value) === `[object ${tag}]`;
}

/** Whether headers have an `Authorization`, in any spelling, as far as that shows without taking them. */
export function hasOwnAuthorization(headers: HeadersInit | undefined): boolean {
  if (isTagged(headers, 'Headers')) return (headers as Headers).has('authorization');
  const names = Array.isArray(headers) ? headers.map((pair) => String(Object(pair)[0])) : Object.keys(headers ?? {});
  return names.some((name) => name.toLowerCase() === 'authorization');
}
