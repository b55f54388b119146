import { abortable, ignore } from './abort.js';
import { ask, drop } from './ask.js';
import type { Verdict } from './engine.js';
import { isTokenError } from './errors.js';
import type { Link, Settled } from './link.js';
import type { Match, Target } from './match.js';
import type { Config } from './options.js';
import { type Plain, PlainRequest, plain } from './plain.js';
import { type Fetch, type Outgoing, asFetch, hasOwnAuthorization, isRequest, outgoing } from './request.js';
import { IDEMPOTENT, type Retry, retrying } from './retry.js';
import type { FetchInit } from './types.js';

/** Makes a `fetch` that sends by way of another, which is that of the window or worker `of`. */
export type Lane = (send: Fetch, of?: object) => Fetch;
type FetchArguments = [input?: RequestInfo | URL, init?: FetchInit];

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
/** How long the answer to a request that keeps alive is read before it is sent again, in milliseconds. */
const UNREAD = 1_000;
/** What a token must have left for a failure to have nothing to do with its end, in milliseconds. */
const NEARLY_OVER = 300_000;

/**
 * The value of `Authorization` for one send; nothing when the token is a cookie. A scheme that signs requests would
 * answer with a promise, and is asked again for each attempt.
 */
type Authorize = (verdict: Verdict, out: Outgoing, attempt: number) => string | undefined | Promise<string>;

/** How many requests are on their way to a `fetch` that may lead back to a lane. */
interface Passing {
  count: number;
}

/** Those that no manager may touch. */
const omitted: Passing = { count: 0 };

/**
 * The steps of one request, each a function below. A plain one goes `quickly`, any other `exactly`, and then `once`
 * or, where the app wants that, `often`. Without a token that is good enough it has `waited` first, and can
 * `proceed`. A 401 is to `recover` from: `renew` the token and send `again`. A failure that may be a 401 which the
 * browser hides is what `unhide` and `resend` are for.
 */
export function lane({ link, match, config, watch, unlisted }: LaneParts): Lane {
  /** Those that this manager is done with; there may be others. */
  const own: Passing = { count: 0 };
  const { retry, unauthorized, shouldRefresh } = config;
  const statuses = new Set(unauthorized.map((rule) => (typeof rule === 'number' ? rule : rule.status)));
  /** Those of them that say all. */
  const clear = new Set(shouldRefresh ? [] : unauthorized);

  function pass(send: Fetch, args: FetchArguments, passing = own): Promise<Response> {
    passing.count++;
    try {
      return send(...(args as Parameters<Fetch>));
    } catch (error) {
      // Another library's wrapper may throw where the native one rejects.
      return Promise.reject(error);
    } finally {
      passing.count--;
    }
  }

  const isCookie = config.accessIn === 'cookie';
  const bearer = (verdict: Verdict) => (isCookie ? undefined : link.authorization(verdict));
  /** Keeps the place in the headers of a request that waits, until there is a token. */
  const later = isCookie ? undefined : 'later';
  const authorize: Authorize = bearer;

  /** Waits for the engine, as long as the caller does. */
  const wait = (work: Promise<Settled>, out: Outgoing) => abortable(watch(work), out.signal);

  let latest: Promise<Settled> | undefined;
  let outcome: Promise<Settled | Failure>;
  /** The same, without rejecting: what waits by the thousand then needs no second closure each. */
  function waited(work: Promise<Settled>, signal: Outgoing['signal']): Promise<Settled | Failure> {
    const watched = watch(work);
    if (signal) return abortable(watched, signal).catch(failure);
    if (watched !== latest) outcome = (latest = watched).catch(failure);
    return outcome;
  }

  /** Whether an answer must be looked at: of the others nothing is asked but their status. */
  const isSuspect = (response: Response) => shouldRefresh || statuses.has(response.status);

  /** Whether a suspect means a refused token; a promise when its body must be asked. */
  const isRefused = (response: Response) =>
    clear.has(response.status) || ask(response, (copy) => judge(copy, unauthorized, shouldRefresh), false, JUDGEMENT);

  /** The generation whose token was last said to be accepted: once is enough. */
  let accepted: number | undefined;
  function told(generation: number, bad: boolean): void {
    if (bad || generation !== accepted) link.tell('replayed', generation, !bad);
    accepted = bad ? undefined : generation;
  }

  let reported: number | undefined;
  let report: (response: Response) => Response;
  /** Tells the engine how sending again with a token went; thousands share it. */
  function reporter(generation: number): typeof report {
    if (reported === generation) return report;
    reported = generation;
    return (report = (response) => {
      const bad = isSuspect(response) && isRefused(response);
      if (typeof bad === 'boolean') told(generation, bad);
      else void bad.then((bad) => told(generation, bad));
      return response;
    });
  }

  const isAstray = (to: string, from: string) => {
    const there = match(to);
    return !there?.ours || there.origin !== match(from)?.origin;
  };

  const isGood = (generation: number) => link.left() > 0 && link.verdict()[2] === generation;
  // What passes with a token is known by its header.
  const isBusy = () => (isCookie && own.count > 0) || omitted.count > 0;
  const isOut = () => link.snapshot().state === 'signedOut' && !link.isClosed();

  return (send, of) => {
    function transmit(out: Outgoing, verdict: Verdict, attempt: number): Promise<Response> {
      const header = authorize(verdict, out, attempt);
      if (typeof header === 'object') return header.then((value) => pass(send, out.next(value)));
      return out instanceof PlainRequest ? plainly(out.href, out.with(header)) : pass(send, out.next(header));
    }

    function first(out: Outgoing, verdict: Verdict): Promise<Response> {
      return transmit(out, verdict, 1).then(
        (response) => (isSuspect(response) ? recover(out, verdict[2], response) : (out.done(), response)),
        (error: Error) => unhide(out, verdict[2], error),
      );
    }

    const again = (out: Outgoing, verdict: Verdict) => transmit(out, verdict, 2).then(reporter(verdict[2]));

    /** Sends once more with a better token, if there is one; else the answer is the caller's as it is. */
    function recover(out: Outgoing, generation: number, response: Response): Promise<Response> | Response {
      const bad = isRefused(response);
      if (bad === true) return renew(out, generation, response);
      return abortable(bad, out.signal).then(
        (bad) => (bad ? renew(out, generation, response) : (out.done(), response)),
        (error) => {
          drop(response);
          out.done();
          throw error;
        },
      );
    }

    function renew(
      out: Outgoing,
      generation: number,
      response: Response,
      work?: Promise<Settled>,
    ): Promise<Response> | Response {
      // The browser drops the header on the way to another origin: a 401 from there says nothing.
      if (!out.replayable || (response.redirected && isAstray(response.url, out.href))) {
        out.done();
        return response;
      }
      if (out.signal?.aborted) {
        drop(response);
        out.done();
        return Promise.reject(out.signal.reason);
      }
      const refused = () =>
        link.share('unauthorized', generation, response.headers?.get?.('www-authenticate') ?? undefined);
      // Until its answer has been read, the first request counts against what a page may have under way of that kind.
      work ??= out.keepalive ? ask(response, (copy) => copy.text(), '', UNREAD).then(refused) : refused();
      return waited(work, out.signal).then((found) => {
        try {
          if (found instanceof Failure) throw found.error;
          if (found[0] === 'resend') {
            const more = link.doubt(found);
            if (more) return renew(out, generation, response, more);
            drop(response);
            return again(out, found[1]);
          }
        } catch (error) {
          if (out.signal?.aborted || isOf(error, 'reentrant_refresh')) {
            drop(response);
            out.done();
            throw error;
          }
        }
        out.done();
        return response;
      });
    }

    /** What to do about a failure: it may be a 401 that the browser hides, because it came without CORS headers. */
    function unhide(out: Outgoing, generation: number, error: Error): Promise<Response> {
      const matters = !isGood(generation) && out.replayable && IDEMPOTENT.includes(out.method);
      // (The reason of an abort may be anything, null too.)
      if (matters && !out.signal?.aborted && error.name === 'TypeError')
        return resend(out, generation, error).finally(() => out.done());
      out.done();
      // In this very turn, as the native one would.
      throw error;
    }

    async function resend(out: Outgoing, generation: number, error: Error): Promise<Response> {
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
      return again(out, settled[1]);
    }

    /** For those that wait by the thousand: to look at the answer takes no variables but those of the wait. */
    function patiently(href: string, copy: Plain): Promise<Response> {
      let generation: number;
      return waited(link.share('need', 0), copy.signal).then((found) => {
        if (found instanceof Failure || found[1] !== link.verdict()) return proceed(new PlainRequest(href, copy), found);
        generation = found[1][2];
        if (later) copy.headers.Authorization = bearer(found[1])!;
        const sent = plainly(href, copy);
        const look = (response: Response) =>
          isSuspect(response) ? recover(new PlainRequest(href, copy), generation, response) : response;
        if (found[2] > NEARLY_OVER) return sent.then(look);
        return sent.then(look, (error: Error) => unhide(new PlainRequest(href, copy), generation, error));
      });
    }

    /** Sends once there is a token, or bare when it turns out that there is no session. */
    function proceed(out: Outgoing, found: Settled | Failure): Promise<Response> {
      try {
        if (found instanceof Failure) throw found.error;
        const more = link.doubt(found);
        if (more) return waited(more, out.signal).then((found) => proceed(out, found));
      } catch (error) {
        out.done();
        if (isOf(error, 'signed_out')) return pass(send, out.next());
        throw error;
      }
      if (out instanceof PlainRequest) return quickly(...out.next(bearer(found[1])), out.href, link.left());
      return first(out, found[1]);
    }

    function once(out: Outgoing): Promise<Response> {
      const needed = out.replayable ? 0 : ONE_SHOT;
      const verdict = link.verdict();
      if (link.left() > needed) return first(out, verdict);
      return waited(link.share('need', needed), out.signal).then((found) =>
        // A token that may end on the way is better than none.
        found instanceof Failure && isOf(found.error, 'refresh_unavailable') && isGood(verdict[2])
          ? first(out, verdict)
          : proceed(out, found),
      );
    }

    /** Each attempt is a request of its own, from one that is kept. */
    function often(out: Outgoing, how: Retry): Promise<Response> {
      const [kept] = out.next() as [Request];
      out.done();
      const attempt = () => once(outgoing(kept.clone(), undefined, out.href));
      return retrying(attempt, how, out.signal).finally(() => kept.body?.cancel().catch(ignore));
    }

    function exactly(args: FetchArguments): Promise<Response> {
      const [input, init] = args;
      // The mark stays, for a lane beneath another library's wrapper; `fetch` itself ignores it.
      // Its own only: nobody's `Object.prototype.auth` turns us off.
      if (Object.hasOwn(Object(init), 'auth') && init!.auth === 'omit') return pass(send, args, omitted);
      const target = isBusy() || isOut() ? undefined : claim(input, init, (url) => match(url, of));
      if (target?.ours) {
        let out;
        try {
          out = outgoing(input!, init, target.href);
        } catch {
          // The native one rejects with its own words.
        }
        if (out?.own) return pass(send, out.next());
        if (out) return retry?.methods.includes(out.method) && out.replayable ? often(out, retry) : once(out);
      }
      const sent = pass(send, args);
      if (!target?.foreign || !link.verdict()[1]) return sent;
      return sent.then((response) => (response.status === 401 && unlisted(target.origin), response));
    }

    /**
     * The way of nearly all requests: a good token, and nothing that the browser would have to read for us. It makes
     * nothing that a wrapper written by hand would not make.
     */
    function quickly(text: string, copy: Plain, href: string, left: number): Promise<Response> {
      const generation = link.verdict()[2];
      const sent = plainly(text, copy);
      const look = (response: Response) =>
        isSuspect(response) ? recover(new PlainRequest(href, copy), generation, response) : response;
      // A token that lasts longer than a request cannot be what one failed for.
      if (left > NEARLY_OVER) return sent.then(look);
      return sent.then(look, (error: Error) => unhide(new PlainRequest(href, copy), generation, error));
    }

    /** As `pass`, without a list of arguments. */
    function plainly(text: string, copy: Plain): Promise<Response> {
      own.count++;
      try {
        return send(text, copy);
      } catch (error) {
        return Promise.reject(error);
      } finally {
        own.count--;
      }
    }

    return asFetch(
      (...args) => exactly(args),
      (input, init) => {
        const left = link.left();
        // A URL object may be another one by the time that it is read again.
        const text = typeof input === 'string' ? input : input instanceof URL && String(input);
        if (text === false || retry || isBusy() || (!left && isOut())) return undefined;
        const target = match(text, of);
        const copy = target?.ours && plain(init, left ? bearer(link.verdict()) : later);
        if (!copy) return undefined;
        return left ? quickly(text, copy, target.href, left) : patiently(target.href, copy);
      },
    );
  };
}

/** What the allow-list says, unless the request is nobody's business: then nothing, and it goes out as it is. */
function claim(
  input: RequestInfo | URL | undefined,
  init: FetchInit | undefined,
  match: Match,
): Target | undefined {
  if (input === undefined) return undefined;
  const request = isRequest(input) ? input : undefined;
  // These fail, and at once: a `then` for the answer would make them fail later.
  if (init != null && typeof init !== 'object' && typeof init !== 'function') return undefined;
  if (request?.bodyUsed && init?.body == null) return undefined;
  const mode = init?.mode ?? request?.mode;
  // `no-cors` has no Authorization, and a navigation (in a service worker) is the browser's own.
  if ((init?.signal ?? request?.signal)?.aborted || mode === 'no-cors' || mode === 'navigate') return undefined;
  if (hasOwnAuthorization(init?.headers ?? request?.headers)) return undefined;
  try {
    // (Not by `String`, which takes a symbol.)
    return match(request ? request.url : `${input as string}`);
  } catch {
    return undefined;
  }
}

async function judge(copy: Response, about: Config['unauthorized'], hook: Config['shouldRefresh']): Promise<boolean> {
  if (hook) return !!(await hook(copy));
  const body: unknown = await copy.json();
  return about.some(
    (rule) =>
      typeof rule === 'object' &&
      rule.status === copy.status &&
      rule.values.includes(memberOf(body, rule.path) as string),
  );
}

function memberOf(body: unknown, path: string): unknown {
  for (const name of path.split('.'))
    body = Object.hasOwn(Object(body), name) && (body as Record<string, unknown>)[name];
  return body;
}

/** Why a wait has failed. */
class Failure {
  constructor(readonly error: unknown) {}
}

function failure(error: unknown): Failure {
  return new Failure(error);
}

function isOf(error: unknown, code: string): boolean {
  return isTokenError(error) && error.code === code;
}
