import { ignore } from './abort.js';

export type Fetch = typeof globalThis.fetch;

/**
 * A function that looks like the native one: its name, its length 1, and a promise for every failure. `quick` comes
 * first, and leaves what is not for it to `run`, which gets `this` and the arguments just as they are.
 */
export function asFetch(run: Fetch, quick: Quick = ignore): Fetch {
  const like = {
    fetch(input: RequestInfo | URL, init: RequestInit | undefined = undefined): Promise<Response> {
      try {
        return quick(input, init) ?? run.apply(this, arguments as unknown as Parameters<Fetch>);
      } catch (error) {
        return Promise.reject(error);
      }
    },
  };
  return like.fetch;
}

export type Quick = (input: unknown, init: RequestInit | undefined) => Promise<Response> | undefined | void;

/** A request as it was at the call, ready to go out. */
export interface Outgoing {
  readonly method: string;
  /** Absolute, as it was at the call. */
  readonly href: string;
  readonly signal: AbortSignal | null | undefined;
  /** Whether it is to have no token, where that showed only now: it has the caller's own `Authorization`, or no CORS. */
  readonly own?: boolean;
  /** Whether it can go out a second time, byte for byte. */
  readonly replayable: boolean;
  /** Whether it counts against what a page may leave under way when it ends. (Older browsers do not tell.) */
  readonly keepalive: boolean | undefined;
  /** Arguments for the next send. */
  next(authorization?: string): [input: RequestInfo | URL, init?: RequestInit];
  /** Lets go of what is kept for a second time. */
  done(): void;
}

/**
 * Takes a request that is not plain: the browser merges input and init as the standard says, and takes the body as it
 * is now. Throws when it is none, as the native `fetch` would reject.
 */
export function outgoing(input: RequestInfo | URL, init: RequestInit | undefined, href: string): Outgoing {
  const body = init?.body;
  const request = new Request(isRequest(input) ? input : href, withCopy(init, body));
  // What only looks like a Request may name one place and lead to another.
  if (request.url !== href) throw new TypeError();
  const { method, signal, headers, keepalive } = request;
  const own = headers.has('authorization') || request.mode === 'no-cors';
  const bare = method === 'GET' || method === 'HEAD';
  // (Node takes any asynchronous iterable.)
  const streams =
    isTagged(body, 'ReadableStream') ||
    Symbol.asyncIterator in Object(body) ||
    (!bare && body == null && isRequest(input) && isStreamed(request));
  let next: Request | undefined = request;
  // Without a body the same request can go out again. (Older Firefox has no `body` to ask.)
  const spare = own || streams || bare ? request : request.clone();
  return {
    method,
    href,
    signal,
    own,
    replayable: !streams,
    keepalive,
    next(authorization) {
      const now = next ?? spare;
      next = undefined;
      if (authorization) now.headers.set('Authorization', authorization);
      return [now];
    },
    done() {
      if (spare !== request) spare.body?.cancel().catch(ignore);
    },
  };
}

/**
 * Whether the body of a Request comes from a stream, which nothing of it tells; but it may not go out without CORS. A
 * clone that is kept would hold all that has been sent. (To ask for `body` makes a stream of any other in WebKit.)
 */
function isStreamed(request: Request): boolean {
  const copy = request.clone();
  try {
    new Request(copy, { method: 'POST', mode: 'no-cors', cache: 'default', integrity: '' });
    return false;
  } catch {
    copy.body?.cancel().catch(ignore);
    return true;
  }
}

/**
 * An init with a copy of what WebKit looks into only when it sends: buffers and parameters. All other members are seen
 * through it, frozen or not, and read on the object that the caller gave. Nothing of the request holds the copy.
 */
function withCopy(init: RequestInit | undefined, body: unknown): RequestInit | undefined {
  let copy: BodyInit;
  if (isTagged(body, 'URLSearchParams')) copy = new URLSearchParams(String(body));
  else {
    const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(body) ? body : { buffer: body, byteOffset: 0 };
    // (One that can grow is refused.)
    if (!isTagged(buffer, 'ArrayBuffer') || (buffer as { resizable?: boolean }).resizable) return init;
    copy = (buffer as ArrayBuffer).slice(byteOffset, byteLength && byteOffset + byteLength);
  }
  return new Proxy({}, { get: (_, name) => (name === 'body' ? copy : init![name as keyof RequestInit]) });
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
  if (!Array.isArray(headers) && Symbol.iterator in Object(headers)) return false;
  const names = Array.isArray(headers) ? headers.map((pair) => String(Object(pair)[0])) : Object.keys(headers ?? {});
  return names.some((name) => name.toLowerCase() === 'authorization');
}
