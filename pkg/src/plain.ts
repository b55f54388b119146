import { ignore } from './abort.js';
import type { Outgoing } from './request.js';
import type { FetchInit } from './types.js';

/** A copy of a plain init: `fetch` reads of it what it would have read of the original, now and later. */
export interface Plain extends RequestInit {
  headers: Record<string, string>;
}

const { getPrototypeOf, prototype } = Object;

/**
 * Copies an init of the usual kind: an object literal of texts, its headers too, with no body but a text. `undefined`
 * for every other, which goes the exact way, and for those that by their init are not ours to touch.
 */
export function plain(init: FetchInit | undefined): Plain | undefined {
  if (init === undefined) return { headers: {} };
  if (typeof init !== 'object' || init === null || getPrototypeOf(init) !== prototype) return undefined;
  // What a getter gives is read here, and then only looked at and sent in the copy.
  const copy = { ...init };
  const { headers, body, signal } = copy;
  if (
    copy.auth !== undefined ||
    copy.mode === 'no-cors' ||
    (body != null && typeof body !== 'string') ||
    (signal != null && (signal as Partial<AbortSignal>).aborted !== false) ||
    !isWhole(copy, init)
  )
    return undefined;
  const own = copyOf(headers);
  if (!own) return undefined;
  copy.headers = own;
  return copy as Plain;
}

/** The same for what comes after the first send. */
export function plainly(href: string, copy: Plain): Outgoing {
  return {
    method: (copy.method ?? 'GET').toUpperCase(),
    href,
    signal: copy.signal,
    replayable: true,
    next(authorization) {
      if (authorization) copy.headers.Authorization = authorization;
      return [href, copy];
    },
    done: ignore,
  };
}

/** Headers that are a record of texts, without an `Authorization`. */
function copyOf(headers: HeadersInit | undefined): Record<string, string> | undefined {
  if (headers === undefined) return {};
  // Anything that can be iterated is a list of pairs, `Headers` too.
  if (typeof headers !== 'object' || headers === null || (headers as string[][])[Symbol.iterator] !== undefined) return undefined;
  const copy = { ...headers } as Record<string, string>;
  for (const name in copy) {
    if (typeof copy[name] !== 'string' || (name.length === 13 && name.toLowerCase() === 'authorization'))
      return undefined;
  }
  return copy;
}

/**
 * Whether a copy has all that `fetch` reads. What a proxy shows, or what is not enumerable, need not be in it. (Loops
 * over the names take several times as long.)
 */
function isWhole(copy: RequestInit, init: RequestInit): boolean {
  return (
    copy.headers === init.headers &&
    copy.body === init.body &&
    copy.signal === init.signal &&
    isText(copy.method, init.method) &&
    isText(copy.mode, init.mode) &&
    isText(copy.credentials, init.credentials) &&
    isText(copy.cache, init.cache) &&
    isText(copy.redirect, init.redirect) &&
    isText(copy.referrer, init.referrer) &&
    isText(copy.referrerPolicy, init.referrerPolicy) &&
    isText(copy.integrity, init.integrity) &&
    isText(copy.keepalive, init.keepalive) &&
    isText(copy.priority, init.priority) &&
    isText((copy as Once).duplex, (init as Once).duplex)
  );
}

interface Once {
  duplex?: string;
}

/** Whether both are the same, and no object, which may be another text each time. */
function isText(value: unknown, other: unknown): boolean {
  return value === other && typeof value !== 'object' && typeof value !== 'function';
}
