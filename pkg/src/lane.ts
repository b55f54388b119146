import { abortable, ignore } from './abort.js';
import { ask, drop } from './ask.js';
import type { Verdict } from './engine.js';
import { isTokenError } from './errors.js';
import type { Link, Settled } from './link.js';
import type { Match, Target } from './match.js';
import type { Config } from './options.js';
import { type Fetch, type Outgoing, hasOwnAuthorization, isRequest, outgoing } from './request.js';
import { type Retry, retrying } from './retry.js';
import type { FetchInit } from './types.js';

/** Sends one request by way of `send`. */
export type Lane = (send: Fetch, args: FetchArguments) => Promise<Response>;
export type FetchArguments = [input?: RequestInfo | URL, init?: FetchInit];

export interface LaneParts {
  readonly link: Link;
  readonly match: Match;
  readonly config: Pick<Config, 'accessIn' | 'retry' | 'shouldRefresh' | 'unauthorized'>;
  /** Ends waits of a refresh callback for itself. */
  readonly watch: <T>(wait: Promise<T>) => Promise<T>;
  /** Hears of a 401 from an origin that is not listed. */
  readonly unlisted: (origin: string) => void;
}

/** What a token must have left for a request that cannot go out again, in milliseconds. */
const ONE_SHOT = 60_000;
/** How long the judgement of an answer may take, in milliseconds; after it, the answer is the caller's. */
const JUDGEMENT = 10_000;
const IDEMPOTENT = /^(GET|HEAD|OPTIONS|PUT|DELETE)$/;

/**
 * The value of `Authorization` for one send; nothing when the token is a cookie. A scheme that signs requests would
 * answer with a promise, and is asked again for each attempt.
 */
type Authorize = (
  verdict: Verdict,
  method: string,
  url: string,
  attempt: number,
) => string | undefined | Promise<string>;

/** How many requests are on their way to a `fetch` that may lead back to a lane. */
interface Passing {
  count: number;
}

/** Those that no manager may touch. */
const omitted: Passing = { count: 0 };

export function lane({ link, match, config, watch, unlisted }: LaneParts): Lane {
  /** Those that this manager is done with; there may be others. */
  const own: Passing = { count: 0 };

  function pass(send: Fetch, args: FetchArguments, passing = own): Promise<Response> {
    passing.count++;
    try {
      return send(...(args as Parameters<Fetch>));
    } finally {
      passing.count--;
    }
  }

  function transmit(
    send: Fetch,
    out: Outgoing,
    { href }: Target,
    verdict: Verdict,
    attempt: number,
  ): Promise<Response> {
    const header = authorize(verdict, out.method, href, attempt);
    const go = (value?: string) => pass(send, out.next(value));
    return typeof header === 'object' ? header.then(go) : go(header);
  }

  const authorize: Authorize = ([scheme, bearer]) => (config.accessIn === 'cookie' ? undefined : `${scheme} ${bearer}`);

  /** Waits for the engine, as long as the caller does. */
  const wait = (work: Promise<Settled>, out: Outgoing) => abortable(watch(work), out.signal);

  function first(send: Fetch, out: Outgoing, target: Target, verdict: Verdict): Promise<Response> {
    const [, , generation] = verdict;

    async function again(next: Verdict): Promise<Response> {
      const response = await transmit(send, out, target, next, 2);
      const told = (bad: boolean) => link.tell('replayed', next[2], !bad);
      const bad = refused(response, config);
      if (typeof bad === 'boolean') told(bad);
      else void bad.then(told);
      return response;
    }

    async function recover(response: Response, bad: true | Promise<boolean>): Promise<Response> {
      // The browser drops the header on the way to another origin: a 401 from there says nothing.
      const astray = response.redirected && !match(response.url)?.ours;
      let settled;
      try {
        if (!(await abortable(Promise.resolve(bad), out.signal)) || !out.replayable || astray) return response;
        settled = await wait(
          link.share('unauthorized', generation, response.headers.get('www-authenticate') ?? undefined),
          out,
        );
        if (settled[0] !== 'resend') return response;
        for (let more; (more = link.doubt(settled)); ) settled = await wait(more, out);
      } catch (error) {
        if (!out.signal?.aborted && !isOf(error, 'reentrant_refresh')) return response;
        drop(response);
        throw error;
      }
      drop(response);
      return again(settled[1]);
    }

    /** Whether it may be a 401 that the browser hides, because it came without CORS headers: the token is over by now. */
    const mayHide = (error: Error) =>
      error.name === 'TypeError' &&
      out.replayable &&
      IDEMPOTENT.test(out.method) &&
      !(link.isGood(0) && link.verdict()[2] === generation);

    async function unhide(error: Error): Promise<Response> {
      let settled: Settled;
      try {
        settled = await wait(link.share('need', 0), out);
        if (settled[1][2] === generation) throw error;
        // Whether that token is of the session that the request was of, only the engine knows.
        settled = await wait(link.share('unauthorized', generation, undefined), out);
        if (settled[0] !== 'resend') throw error;
        for (let more; (more = link.doubt(settled)); ) settled = await wait(more, out);
      } catch {
        out.signal?.throwIfAborted();
        throw error;
      }
      return again(settled[1]);
    }

    return transmit(send, out, target, verdict, 1).then(
      (response) => {
        const bad = refused(response, config);
        if (bad) return recover(response, bad).finally(out.done);
        out.done();
        return response;
      },
      (error: Error) => {
        if (mayHide(error)) return unhide(error).finally(out.done);
        out.done();
        throw error;
      },
    );
  }

  /** Sends once there is a token, or bare when it turns out that there is no session. */
  async function later(send: Fetch, out: Outgoing, target: Target, needed: number): Promise<Response> {
    out.keep();
    let settled;
    try {
      settled = await wait(link.share('need', needed), out);
      for (let more; (more = link.doubt(settled)); ) settled = await wait(more, out);
    } catch (error) {
      if (isOf(error, 'signed_out')) return pass(send, out.next());
      out.done();
      throw error;
    }
    return first(send, out, target, settled[1]);
  }

  function once(send: Fetch, out: Outgoing, target: Target): Promise<Response> {
    const needed = out.replayable ? 0 : ONE_SHOT;
    return link.isGood(needed) ? first(send, out, target, link.verdict()) : later(send, out, target, needed);
  }

  /** Each attempt is a request of its own, from one that is kept. */
  function often(send: Fetch, out: Outgoing, target: Target, retry: Retry): Promise<Response> {
    const kept = new Request(...out.next());
    out.done();
    const attempt = () => once(send, outgoing(kept.clone(), undefined, target.href), target);
    return retrying(attempt, retry, out.signal).finally(() => kept.body?.cancel().catch(ignore));
  }

  return (send, args) => {
    const [input, init] = args;
    // The mark stays, for a lane beneath another library's wrapper; `fetch` itself ignores it.
    if (init?.auth === 'omit') return pass(send, args, omitted);
    const target = own.count || omitted.count ? undefined : claim(input, init, match, link);
    if (target?.ours) {
      let out;
      try {
        out = outgoing(input!, init, target.href);
      } catch {
        // The native one rejects with its own words.
      }
      if (out?.own) return pass(send, out.next());
      const { retry } = config;
      if (out) {
        return retry?.methods.includes(out.method) && out.replayable
          ? often(send, out, target, retry)
          : once(send, out, target);
      }
    }
    const sent = pass(send, args);
    if (!target?.foreign || !link.verdict()[1]) return sent;
    return sent.then((response) => (response.status === 401 && unlisted(target.origin), response));
  };
}

/** What the allow-list says, unless the request is nobody's business: then nothing, and it goes out as it is. */
function claim(
  input: RequestInfo | URL | undefined,
  init: FetchInit | undefined,
  match: Match,
  link: Link,
): Target | undefined {
  if (input === undefined || (link.snapshot().state === 'signedOut' && !link.isClosed())) return undefined;
  const request = isRequest(input) ? input : undefined;
  // These fail, and at once: a `then` for the answer would make them fail later.
  if (init != null && typeof init !== 'object' && typeof init !== 'function') return undefined;
  if (request?.bodyUsed && init?.body == null) return undefined;
  // `no-cors` has no Authorization, and a navigation (in a service worker) is the browser's own.
  const mode = init?.mode ?? request?.mode;
  if ((init?.signal ?? request?.signal)?.aborted || mode === 'no-cors' || mode === 'navigate') return undefined;
  if (hasOwnAuthorization(init?.headers ?? request?.headers)) return undefined;
  try {
    // (Not by `String`, which takes a symbol.)
    return match(request ? request.url : `${input as string}`);
  } catch {
    return undefined;
  }
}

/** Whether a response means a refused token; a promise when its body must be asked. */
function refused(response: Response, { unauthorized, shouldRefresh }: LaneParts['config']): boolean | Promise<boolean> {
  const about = unauthorized.filter((rule) => (typeof rule === 'number' ? rule : rule.status) === response.status);
  if (!shouldRefresh && (!about.length || about.some((rule) => typeof rule === 'number'))) return about.length > 0;
  return ask(response, (copy) => judge(copy, about, shouldRefresh), false, JUDGEMENT);
}

async function judge(copy: Response, about: Config['unauthorized'], hook: Config['shouldRefresh']): Promise<boolean> {
  if (hook) return !!(await hook(copy));
  const body: unknown = await copy.json();
  return about.some((rule) => typeof rule === 'object' && rule.values.includes(memberOf(body, rule.path) as string));
}

function memberOf(body: unknown, path: string): unknown {
  for (const name of path.split('.'))
    body = Object.hasOwn(Object(body), name) && (body as Record<string, unknown>)[name];
  return body;
}

function isOf(error: unknown, code: string): boolean {
  return isTokenError(error) && error.code === code;
}
