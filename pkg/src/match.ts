import type { Config } from './options.js';
import type { Place } from './place.js';
import { baseUrl, ownOrigin } from './scope.js';

/** What the allow-list says of a URL. */
export interface Target {
  /** Absolute, as it was at the call: the page's base may change while a request waits. */
  readonly href: string;
  readonly origin: string;
  /** Whether the token may go there. */
  readonly ours: boolean;
  /** Whether nothing of this origin is listed. */
  readonly foreign: boolean;
}

/** `of` is the window or worker whose `fetch` was called. */
export type Match = (url: string, of?: object) => Target | undefined;

const REMEMBERED = 200;

/**
 * Where the token goes: the one rule about tokens that is not the engine's. Everything that cannot be read, or could
 * be read in two ways, is not ours.
 */
export function matcher({ attach, exclude, endpoints }: Pick<Config, 'attach' | 'exclude' | 'endpoints'>): Match {
  const plainPage = /^http:/.test(ownOrigin() ?? '');
  const known = new Map<string, Target | undefined>();
  const relative: typeof known = new Map();
  let knownBase: string | undefined;

  function judge(text: string): Target | undefined {
    let url: URL;
    try {
      url = new URL(text, knownBase);
    } catch {
      return undefined;
    }
    const { href, origin, protocol, hostname } = url;
    // `fetch` refuses them.
    if (url.username || url.password) return undefined;
    const near = (place: Place) => place.origin === origin;
    // A blob: URL has its maker's origin.
    const safe = protocol === 'https:' || (protocol === 'http:' && (plainPage || isLoopback(hostname)));
    const foreign = !attach.some(near);
    const ours =
      safe &&
      attach.some((place) => near(place) && isWithin(url, place, false)) &&
      !exclude.some((place) => near(place) && isWithin(url, place, true)) &&
      !endpoints.some((own) => own.origin === origin && own.pathname === url.pathname);
    return { href, origin, ours, foreign };
  }

  return (text, of) => {
    // What an absolute URL is, no base changes.
    const absolute = known.get(text);
    if (absolute) return absolute;
    const base = baseUrl(of);
    if (base !== knownBase) {
      relative.clear();
      knownBase = base;
    }
    let target = relative.get(text);
    // A data: URL is as long as what it holds: kept, a page's pictures would be there twice.
    if (!target && !/^\s*data:/i.test(text)) {
      const map = /^https?:\/\//.test(text) ? known : relative;
      if (map.size > REMEMBERED) map.clear();
      map.set(text, (target = judge(text)));
    }
    return target;
  };
}

/**
 * Whether a URL's path is at or below a place, by whole segments. A path that servers may read in another way than it
 * is written (`%2e%2e`, `%2f`, `\`, `//`, `;x`) is inside a listed place only when it is so in both readings, and
 * inside an excluded one when it is so in either.
 */
function isWithin(url: URL, place: Place, either: boolean): boolean {
  if (place.path === '/') return true;
  const written = (url.pathname + '/').startsWith(place.path.replace(/\/*$/, '/'));
  const resolved = resolve(url.pathname).startsWith(resolve(place.path));
  return either ? written || resolved : written && resolved;
}

/** The path as the most eager server would read it, with a slash at its end. */
function resolve(path: string): string {
  // A server decodes once; one in front of it may have done so before.
  for (let pass = 0; pass < 9; pass++) {
    path = path.replace(/%([0-7][\da-f])/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  }
  const segments: string[] = [];
  for (const segment of path.replace(/;[^/\\]*/g, '').split(/[/\\]+/)) {
    if (segment === '..') segments.pop();
    else if (segment && segment !== '.') segments.push(segment);
  }
  return ['', ...segments, ''].join('/');
}

function isLoopback(hostname: string): boolean {
  return /^(.+\.)?localhost$|^127(\.\d+){3}$|^\[::1\]$/.test(hostname);
}
