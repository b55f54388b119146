import { abortable, ignore } from './abort.js';
import type { Verdict } from './engine.js';
import { type TokenError, isTokenError } from './errors.js';
import type { Link } from './link.js';
import type { Match, Target } from './match.js';
import type { Config } from './options.js';
import { type Fetch, type Outgoing, hasOwnAuthorization, isTagged, outgoing } from './request.js';
import type { FetchInit } from './types.js';

/** Sends one request by way of `send`. */
export type Lane = (send: Fetch, args: FetchArguments) => Promise<Response>;
export type FetchArguments = [input?: RequestInfo | URL, init?: FetchInit];

export interface LaneParts {
  readonly link: Link;
  readonly match: Match;
  readonly config: Pick<Config, 'shouldRefresh' | 'unauthorized'>;
  /** Ends waits of a refresh callback for itself. */
  readonly watch: <T>(wait: Promise<T>) => Promise<T>;
  /** Hears of a 401 from an origin that is not listed. */
  readonly unlisted: (origin: string) => void;
}

/** What a request must have left when it cannot go out again, in milliseconds. */
const ONE_SHOT = 60_000;
const IDEMPOTENT = /^(GET|HEAD|OPTIONS|PUT|DELETE)$/;

/**
 * The value of `Authorization` for one send; nothing for a cookie. A scheme that signs requests would answer with a
 * promise, and is asked again for each attempt.
 */
type Authorize = (verdict: Verdict, method: string, url: string, attempt: number) => string | undefined | Promise<string>;

const authorize: Authorize = ({ scheme, bearer }) => bearer && `${scheme} ${bearer}`;

export function lane({ link, match, config, watch, unlisted }: LaneParts): Lane {
  /** Above 0 while a request of ours goes to `send`, which may lead back to us. */
  let passing = 0;

  function pass(send: () => Promise<Response>): Promise<Response> {
    passing++;
    try {
      return send();
    } finally {
      passing--;
    }
  }

  function transmit(send: Fetch, out: Outgoing, target: Target, verdict: Verdict, attempt: number): Promise<Response> {
    const header = authorize(verdict, out.method, target.href, attempt);
    return typeof header === 'object'
      ? header.then((value) => pass(() => out.send(send, value)))
      : pass(() => out.send(send, header));
  }

  function first(send: Fetch, out: Outgoing, target: Target, verdict: Verdict): Promise<Response> {
    const keep = (response: Response) => {
      out.done();
      return response;
    };
    const again = (next: Verdict) =>
      transmit(send, out, target, next, 2).then((response) => {
        void whether(refused(response, config), (bad) => link.tell('replayed', next.generation, !bad));
        return keep(response);
      });

    return transmit(send, out, target, verdict, 1).then(
      (response) =>
        whether(refused(response, config), (bad) => {
          // The browser drops the header on the way to another origin: a 401 from there says nothing.
          if (!bad || !out.replayable || (response.redirected && !match(response.url)?.ours)) return keep(response);
          const challenge = response.headers.get('www-authenticate') ?? undefined;
          return abortable(watch(link.share('unauthorized', verdict.generation, challenge)), out.signal).then(
            ({ value, verdict: next }) => {
              if (value !== 'resend') return keep(response);
              drop(response);
              return again(next);
            },
            (error: TokenError) => {
              keep(response);
              if (!out.signal?.aborted && error.code !== 'reentrant_refresh') return response;
              drop(response);
              throw error;
            },
          );
        }),
      (error: Error) => {
        const hidden = error.name === 'TypeError' && !link.isGood(0, verdict) && out.replayable && IDEMPOTENT.test(out.method);
        if (!hidden) {
          out.done();
          throw error;
        }
        // Perhaps a 401 that the browser hides, because it came without CORS headers.
        return abortable(watch(link.share('need', 0)), out.signal).then(
          ({ verdict: next }) => {
            if (next.generation === verdict.generation) throw error;
            return again(next);
          },
          () => {
            throw out.signal?.aborted ? out.signal.reason : error;
          },
        );
      },
    );
  }

  return (send, args) => {
    const [input, init] = args;
    const target = passing ? undefined : claim(input, init, match, link);
    if (target?.ours) {
      let out;
      try {
        out = outgoing(input!, withoutAuth(init), target.href);
      } catch {
        // The native one rejects with its own words.
      }
      if (out?.own) return pass(() => out.send(send, undefined));
      if (out) {
        const enough = out.replayable ? 0 : ONE_SHOT;
        if (link.isGood(enough)) return first(send, out, target, link.verdict());
        return abortable(watch(link.share('need', enough)), out.signal).then(
          ({ verdict }) => first(send, out, target, verdict),
          (error: unknown) => {
            if (isTokenError(error) && error.code === 'signed_out') return pass(() => out.send(send, undefined));
            out.done();
            throw error;
          },
        );
      }
    }
    const sent = pass(() => send(...((init?.auth ? [input, withoutAuth(init)] : args) as Parameters<Fetch>)));
    return target?.foreign && link.verdict().bearer ? sent.then((response) => (response.status === 401 && unlisted(target.origin), response)) : sent;
  };
}

/** What the allow-list says, unless the request is nobody's business: then nothing, and it goes out as it is. */
function claim(input: RequestInfo | URL | undefined, init: FetchInit | undefined, match: Match, link: Link): Target | undefined {
  if (input === undefined || init?.auth === 'omit' || (link.snapshot().state === 'signedOut' && !link.isClosed())) return undefined;
  const request = isTagged(input, 'Request') ? (input as Request) : undefined;
  if ((init?.signal ?? request?.signal)?.aborted || (init?.mode ?? request?.mode) === 'no-cors') return undefined;
  if (hasOwnAuthorization(input, init)) return undefined;
  try {
    return match(request ? request.url : String(input));
  } catch {
    return undefined;
  }
}

function withoutAuth(init: FetchInit | undefined): RequestInit | undefined {
  if (!init?.auth) return init;
  const { auth: _, ...rest } = init;
  return rest;
}

/** Whether a response means a refused token; a promise when its body must be asked. */
function refused(response: Response, { unauthorized, shouldRefresh }: LaneParts['config']): boolean | Promise<boolean> {
  const about = unauthorized.filter((rule) => (typeof rule === 'number' ? rule : rule.status) === response.status);
  if (!shouldRefresh && (!about.length || about.some((rule) => typeof rule === 'number'))) return about.length > 0;
  const copy = response.clone();
  const answer = shouldRefresh
    ? new Promise<boolean>((resolve) => resolve(shouldRefresh(copy)))
    : copy.json().then((body: unknown) =>
        about.some((rule) => typeof rule !== 'number' && rule.values.includes(memberOf(body, rule.path) as string)),
      );
  return answer.catch(() => false).finally(() => drop(copy));
}

function memberOf(body: unknown, path: string): unknown {
  for (const name of path.split('.')) {
    body = Object.hasOwn(Object(body), name) ? (body as Record<string, unknown>)[name] : undefined;
  }
  return body;
}

/** `.then` that costs no turn when the value is there already. */
function whether<R>(value: boolean | Promise<boolean>, then: (value: boolean) => R | Promise<R>): R | Promise<R> {
  return typeof value === 'boolean' ? then(value) : value.then(then);
}

/** Frees the connection of a response that nobody reads. */
function drop(response: Response): void {
  response.body?.cancel().catch(ignore);
}
