import { abortable, ignore } from './abort.js';
import { findOld, readCsrf } from './adopt.js';
import { ask } from './ask.js';
import { callbackRunner } from './callback.js';
import type { EngineEvent, EngineHost, EngineSink, Surroundings, Verdict } from './engine.js';
import { ConfigurationError, type TokenError, type TokenErrorData, errorFrom, known } from './errors.js';
import { listeners } from './events.js';
import { localHost } from './host.js';
import { type Interceptable, beneath, intercept } from './intercept.js';
import { type Lane, lane } from './lane.js';
import { type Settled, connect } from './link.js';
import type { Source } from './loader.js';
import { logger } from './log.js';
import { matcher } from './match.js';
import { FOR_REFRESH, FOR_RUN, FOR_SET, FOR_SIGN_OUT, FOR_TOKEN, parse, read } from './options.js';
import { stringify } from './scope.js';
import type { Options } from './settings.js';
import { slot } from './stores.js';
import type { AccessTokenOptions, Diagnostics, FetchInit, Metrics, TokenEvent, TokenManager } from './types.js';

/** Makes the engine of a manager; the tests put plain data to the proof here. */
export type MakeHost = (source: Source, surroundings: Surroundings, sink: EngineSink) => EngineHost;

/** Puts a manager together. */
export function build(options: Options, source: Source, makeHost: MakeHost = localHost): TokenManager {
  const config = parse(options);
  const { inert, csrf } = config;
  const log = logger(config.log);
  const native = beneath(globalThis.fetch);
  const runner = config.refresh && callbackRunner(config.refresh, (...args) => native(...args));
  const watch = runner?.watch ?? (<T>(wait: Promise<T>) => wait);
  const changes = listeners<[]>();
  const events = listeners<[TokenEvent]>();
  const unlisted = new Set<string>();
  const undo = new Map<Interceptable, () => void>();
  const place = slot(config.store, 'evertoken:' + config.name, () => hear({ type: 'persistFailed' }));
  let { adoptFrom } = config;
  let ready = false;
  let lost = false;

  const link = connect(
    (sink) =>
      (inert ? inertHost : makeHost)(
        source,
        {
          entries: config.entries,
          slot: place,
          // No manager is to touch it on its way, however it is wrapped.
          fetch: (url, init) => native(url, { ...init, auth: 'omit' } as FetchInit),
          ruling: async (url, response) => {
            const { isTerminal } = config;
            if (!isTerminal || response.ok || url !== config.endpoints[0]?.href) return undefined;
            return ask(response, async (copy) => !!(await isTerminal(copy)), undefined, RULING);
          },
          refresh: runner?.refresh,
          csrf: () => csrf && readCsrf(csrf),
          meeting: config.shared ? 'evertoken:' + config.name : undefined,
        },
        sink,
      ),
    {
      changed() {
        if (ready) adopt();
        changes.tell();
      },
      event(event) {
        // Once is enough.
        if (event.type !== 'persistFailed' || !place.isUnreadable()) hear(event);
      },
      died(error) {
        // What cannot be had at all is tried, and fails, at every call.
        if (error.code === 'internal' || !lost) log('error', 'the engine is lost', errorFrom(error));
        lost = true;
      },
    },
  );
  adopt();
  ready = true;

  const over: Lane = lane({
    link,
    match: matcher(config),
    config,
    watch,
    unlisted(origin) {
      if (unlisted.has(origin)) return;
      unlisted.add(origin);
      log('error', `${origin} answered 401 and is not listed in the option "attachTo": it gets no token`);
    },
  });

  function hear(event: EngineEvent): void {
    // While the manager is being made nobody can listen yet.
    if (!ready) return queueMicrotask(() => hear(event));
    const { extras, error, retryAt, ...rest } = event;
    const { type } = event;
    const failed = type === 'refreshFailed';
    if (failed || type === 'retryScheduled') runner?.gaveUp();
    const plain = known({
      ...rest,
      [failed ? 'nextRetryAt' : 'retryAt']: retryAt,
      error: error && errorFrom(error as TokenErrorData),
    });
    log('info', type, plain);
    events.tell(
      (extras ? { ...plain, extras: JSON.parse(extras as string) as unknown } : plain) as unknown as TokenEvent,
    );
  }

  /** Takes over what the app kept before, once it is known that the store has no session. */
  function adopt(): void {
    const from = adoptFrom;
    if (!from || link.snapshot().state === 'restoring') return;
    adoptFrom = undefined;
    const old = link.snapshot().state === 'signedOut' && findOld(from);
    if (!old) return;
    const [response, clear] = old;
    link
      .ask('setTokens', stringify(response), 'new')
      .then(
        () => (place.isSaved() ? clear() : log('error', 'not stored: the old keys stay')),
        (error: unknown) => log('error', 'nothing was taken over', error),
      );
  }

  /** A token in a cookie is not handed out, even if an answer showed it. */
  const bearerOf = ([, bearer]: Verdict) => (config.accessIn === 'cookie' ? undefined : bearer);

  async function need(options?: AccessTokenOptions): Promise<Settled> {
    const { minValidity = 0, signal } = read(options, FOR_TOKEN);
    signal?.throwIfAborted();
    const wanted = minValidity * 1000;
    let settled: Settled = [undefined, link.verdict(), link.left()];
    if (link.left() <= wanted) {
      const wait = (work: Promise<Settled>) => abortable(watch(work), signal);
      settled = await wait(link.share('need', wanted));
      for (let more; (more = link.doubt(settled)); ) settled = await wait(more);
    }
    if (!bearerOf(settled[1])) throw new ConfigurationError({ cause: 'accessIn is "cookie"' });
    return settled;
  }

  const dispose = () => {
    for (const off of undo.values()) off();
    link.close();
  };

  return {
    // Looked up at each call: others may have replaced it.
    fetch: over((...args) => fetch(...args)),
    intercept(target = globalThis) {
      let off = inert || link.isClosed() ? ignore : undo.get(target);
      if (!off) {
        const restore = intercept(target, (next) => over(next, target));
        off = () => {
          if (undo.get(target) === off) undo.delete(target);
          restore();
        };
        undo.set(target, off);
      }
      return off;
    },
    async run(operation, options) {
      const { isUnauthorized = isStatus401 } = read(options, FOR_RUN);
      let settled = await need();
      for (let more; (more = link.doubt(settled)); ) settled = await more;
      for (let attempt = 1; ; attempt++) {
        const [, [, bearer, generation]] = settled;
        let outcome: any;
        let failed = false;
        try {
          outcome = await operation(bearer!, attempt);
        } catch (error) {
          outcome = error;
          failed = true;
        }
        const bad = await isUnauthorized(outcome);
        if (attempt > 1) link.tell('replayed', generation, !bad);
        else if (bad) {
          try {
            settled = await watch(link.share('unauthorized', generation, undefined));
            for (let more; (more = link.doubt(settled)); ) settled = await more;
            if (settled[0] === 'resend') continue;
          } catch {
            // Then what the first attempt came to is all there is.
          }
        }
        if (failed) throw outcome;
        return outcome;
      }
    },
    async setTokens(response, options) {
      const { session = 'auto' } = read(options, FOR_SET);
      if (typeof response !== 'object' || !response) throw new TypeError('setTokens: expected the parsed answer of a sign-in');
      const [value] = await link.ask('setTokens', stringify(response), session);
      return value as 'started';
    },
    async signOut(options) {
      const { revoke = true } = read(options, FOR_SIGN_OUT);
      const signOut = () => link.ask('signOut', revoke);
      try {
        // An engine that crashes comes back with the session.
        await signOut().catch((error: TokenError) => (error.transient ? signOut() : Promise.reject(error)));
      } catch (error) {
        // Without an engine, what it stored can still go.
        if (!['internal', 'wasm_blocked'].includes((error as TokenError).code)) throw error;
        return place.remove();
      }
      // The store could not be told of the end: without a text it has no session either.
      const saved = place.isSaved();
      // A store that has not answered yet may never do so.
      if (saved === undefined) void place.remove().catch(ignore);
      if (saved === false) await place.remove().catch(() => hear({ type: 'persistFailed' }));
    },
    getAccessToken: async (options) => (await need(options))[1][1]!,
    peek() {
      const verdict = link.verdict();
      const accessToken = bearerOf(verdict);
      return accessToken ? { accessToken, generation: verdict[2], expiresAt: verdict[3] } : undefined;
    },
    async refresh(options) {
      const { force = false, signal } = read(options, FOR_REFRESH);
      signal?.throwIfAborted();
      await abortable(watch(link.share('refresh', force)), signal);
    },
    get state() {
      return link.snapshot().state;
    },
    subscribe: changes.add,
    getSnapshot: link.snapshot,
    on: (type: string, listener: (event: any) => void) =>
      events.add((event) => (type === '*' || type === event.type) && listener(event)),
    start: () => link.tell('start'),
    stop: () => link.tell('stop'),
    touch: () => link.tell('touch'),
    dispose,
    metrics: () => (link.inspect('metrics') ?? {}) as Metrics,
    diagnostics: () => ({
      steps: (link.inspect('diagnostics') ?? []) as Diagnostics['steps'],
      unlisted: [...unlisted],
    }),
    // WebKit has no such symbol yet.
    ...(Symbol.dispose && { [Symbol.dispose]: dispose }),
  } as TokenManager;
}

/** What stands in for an engine where there is no user. */
const inertHost: MakeHost = (_source, _surroundings, sink) => {
  sink.snapshot({ state: 'signedOut', generation: 0, refreshing: false });
  return {
    call(id, op) {
      sink.settle(id, op === 'signOut' ? 'done' : { code: 'server_context', transient: false });
    },
    inspect: ignore as () => undefined,
  };
};

/** How long the app's rule may take, in milliseconds: the attempt that the answer is for has its own time. */
const RULING = 2_000;

function isStatus401(outcome: unknown): boolean {
  const { status, response } = Object(outcome) as { status?: unknown; response?: { status?: unknown } };
  return (status ?? response?.status) === 401;
}
