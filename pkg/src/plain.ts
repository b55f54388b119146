import { ignore } from './abort.js';
import type { Outgoing } from './request.js';
import type { FetchInit } from './types.js';

/** A copy of a plain init: `fetch` reads of it what it would have read of the original, now and later. */
export interface Plain extends RequestInit {
  headers: Record<string, string>;
}

/**
 * Copies an init of the usual kind: an object of texts, its headers too, with no body but a text. `undefined`
 * for every other, which goes the exact way, and for those that by their init are not ours to touch.
 * `authorization` goes into the copy.
 */
export function plain(init: FetchInit | undefined, authorization: string | undefined): Plain | undefined {
  if (init === undefined) return { headers: headersWith(authorization) };
  if (typeof init !== 'object' || init === null) return undefined;
  // What a getter gives is read here, and then only looked at and sent in the copy. (V8 makes a hidden class for each
  // object that is spread and then gets another member: members that may be new come first.)
  const copy: FetchInit = init.headers ? { ...init } : { headers: undefined!, ...init };
  const { headers, body, signal } = copy;
  if (
    copy.auth !== undefined ||
    copy.mode === 'no-cors' ||
    (body != null && typeof body !== 'string') ||
    (signal != null && (signal as Partial<AbortSignal>).aborted !== false) ||
    !isWhole(copy, init)
  )
    return undefined;
  const own = copyOf(headers, authorization);
  if (!own) return undefined;
  copy.headers = own;
  return copy as Plain;
}

/** A plain request that is sent later, or once more. */
export class PlainRequest implements Outgoing {
  declare readonly replayable: true;
  declare readonly done: () => void;

  constructor(
    readonly href: string,
    readonly copy: Plain,
  ) {}

  get method(): string {
    return (this.copy.method ?? 'GET').toUpperCase();
  }

  get signal(): AbortSignal | null | undefined {
    return this.copy.signal;
  }

  get keepalive(): boolean | undefined {
    return this.copy.keepalive;
  }

  next(authorization?: string): [string, Plain] {
    return [this.href, this.with(authorization)];
  }

  with(authorization: string | undefined): Plain {
    const headers = { ...this.copy.headers };
    if (authorization) headers.Authorization = authorization;
    else delete headers.Authorization;
    return { ...this.copy, headers };
  }

  static {
    // Of all of them, so that thousands of those that wait take less.
    Object.assign(this.prototype, { replayable: true, done: ignore });
  }
}

/** Headers that are a record of texts, without an `Authorization` until now. */
function copyOf(headers: HeadersInit | undefined, authorization: string | undefined) {
  if (headers === undefined) return headersWith(authorization);
  // Anything that can be iterated is a list of pairs, `Headers` too.
  if (typeof headers !== 'object' || headers === null || (headers as string[][])[Symbol.iterator] !== undefined)
    return undefined;
  if ((headers as Record<string, string>).Authorization !== undefined) return undefined;
  const copy = headersWith(authorization, headers as Record<string, string>);
  for (const name in copy) {
    if (typeof copy[name] !== 'string') return undefined;
    if (name.length === 13 && name !== 'Authorization' && name.toLowerCase() === 'authorization') return undefined;
  }
  return copy;
}

function headersWith(authorization: string | undefined, headers?: Record<string, string>): Record<string, string> {
  return authorization ? { Authorization: authorization, ...headers } : { ...headers };
}

/** Members that are texts, but for `method`; flags count as such. */
const TEXTS = [
  'cache',
  'credentials',
  'duplex',
  'integrity',
  'keepalive',
  'mode',
  'priority',
  'redirect',
  'referrer',
  'referrerPolicy',
  'window',
] as const;
type Members = { readonly [name in (typeof TEXTS)[number]]?: unknown };

/** Whether none of them is there. (A loop over the names takes several times as long.) */
function isBare(init: Members): boolean {
  return (
    init.cache === undefined &&
    init.credentials === undefined &&
    init.duplex === undefined &&
    init.integrity === undefined &&
    init.keepalive === undefined &&
    init.mode === undefined &&
    init.priority === undefined &&
    init.redirect === undefined &&
    init.referrer === undefined &&
    init.referrerPolicy === undefined &&
    init.window === undefined
  );
}

/** Whether a copy has all that `fetch` reads: what a proxy shows, or what is not enumerable, need not be in it. */
function isWhole(copy: FetchInit, init: FetchInit): boolean {
  return (
    copy.headers === init.headers &&
    copy.body === init.body &&
    copy.signal === init.signal &&
    isText(copy.method, init.method) &&
    ((isBare(copy) && isBare(init)) ||
      TEXTS.every((name) => isText((copy as Members)[name], (init as Members)[name])))
  );
}

/** Whether both are the same, and no object, which may be another text each time. */
function isText(value: unknown, other: unknown): boolean {
  return value === other && typeof value !== 'object' && typeof value !== 'function';
}
