import type { Entries } from './engine.js';
import { type Place, addressOf, placeOf } from './place.js';
import { IDEMPOTENT, type Retry } from './retry.js';
import { baseUrl, isClient, ownOrigin } from './scope.js';
import type { LogEntry, LogLevel, Options, RefreshCallback, Store, UnauthorizedBody } from './settings.js';
import { isForgetful, memory } from './stores.js';

/** Options that are valid together. */
export interface Config {
  /** Outside of browsers, and not asked to work there. */
  readonly inert: boolean;
  /** What the engine gets. */
  readonly entries: Readonly<Entries>;
  readonly name: string;
  readonly store: Store;
  readonly accessIn: Options['accessIn'];
  readonly adoptFrom: { access?: string; refresh?: string } | undefined;
  readonly refresh: RefreshCallback | undefined;
  readonly csrf: { cookie?: string; meta?: string } | undefined;
  /** Places that get the token, and places taken out of them. */
  readonly attach: readonly Place[];
  readonly exclude: readonly Place[];
  /** The token and revocation endpoints, which are never touched. */
  readonly endpoints: readonly URL[];
  readonly unauthorized: ReadonlyArray<number | UnauthorizedBody>;
  readonly shouldRefresh: Options['shouldRefresh'];
  readonly retry: Retry | undefined;
  readonly isTerminal: Options['isTerminal'];
  /** Whether other tabs see the session, in the store or in a cookie. */
  readonly shared: boolean;
  readonly log: LogLevel | 'off' | ((entry: LogEntry) => void);
}

/** What is expected, the test for it, and how the engine gets it, if it does. */
type Rule = readonly [expected: string, test: (value: any) => unknown, emit?: Emit];
type Emit = (value: any, entries: Entries, name: string) => void;
/** Rules by name; a shape within a shape is an object within an object. */
interface Shape {
  readonly [key: string]: Rule | Shape;
}
type Values = { readonly [key: string]: any };

const isNumber = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value < 9e12;
const isText = (value: unknown) => typeof value === 'string' && value;
const isFunction = (value: unknown) => typeof value === 'function';
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isAddress = (value: unknown) => isText(value) || value instanceof URL;
const isHeaders = (value: unknown) => {
  try {
    // (It converts what is no string.)
    return isObject(value) && new Headers(value as Record<string, string>);
  } catch {
    return false;
  }
};
// `fetch` itself refuses the others.
const isMethod = (value: unknown) =>
  typeof value === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(value) && !/^(connect|trace|track)$/i.test(value);
const isListOf = (test: (value: any) => unknown) => (value: unknown) => Array.isArray(value) && value.every(test);

const text: Emit = (value, entries, name) => (entries[name] = String(value));
const number: Emit = (value, entries, name) => (entries[name] = +value);
const millis: Emit = (value, entries, name) => (entries[name] = Math.floor(value * 1000));
const pairs: Emit = (value, entries, name) => {
  for (const key of Object.keys(value)) entries[`${name}.${key}`] = String(value[key]);
};
const oneOf = (names: string, emit?: Emit): Rule => [
  names.replaceAll(' ', ' or '),
  (value) => names.split(' ').includes(value),
  emit,
];

const FLAG: Rule = ['true or false', (value) => typeof value === 'boolean'];
const HOOK: Rule = ['a function', isFunction];
const KEY: Rule = ['a string', isText];
const PAIRS: Rule = ['an object', isObject, pairs];
const HEADERS: Rule = ['headers', isHeaders, pairs];
const PLACES: Rule = ['a list of origins', isListOf(isAddress)];
const SECONDS: Rule = ['a number of seconds ≥ 0', isNumber, millis];
const COUNT: Rule = ['a whole number ≥ 0', (value) => isNumber(value) && value % 1 === 0];
const SIGNAL: Rule = ['an AbortSignal', (value) => 'aborted' in Object(value)];
const SOURCE: Rule = ['a URL, a description, a callback or null', (value) => value === null || isFunction(value)];
const SWITCH: Rule = [FLAG[0], FLAG[1], number];
const TEXT: Rule = [KEY[0], isText, text];
const URLS: Rule = ['a URL', isAddress];

/** In rising loudness. */
export const LEVELS = ['off', 'error', 'info'];

/** Without `refresh`, which has several forms. */
const OPTIONS: Shape = {
  name: TEXT,
  store: ['a store', (value) => [value?.get, value?.set, value?.remove].every(isFunction)],
  persist: oneOf('both refresh', text),
  adoptFrom: { access: KEY, refresh: KEY },
  accessIn: oneOf('header cookie', text),
  sameOrigin: FLAG,
  attachTo: PLACES,
  exclude: PLACES,
  unauthorized: [
    'a list of statuses',
    isListOf(
      (value) => isNumber(value) || (isNumber(value?.status) && isText(value.path) && Array.isArray(value.values)),
    ),
  ],
  shouldRefresh: HOOK,
  retry: { attempts: COUNT, methods: ['a list of methods', isListOf(isMethod)] },
  lead: SECONDS,
  margin: SECONDS,
  checkInterval: SECONDS,
  attemptTimeout: SECONDS,
  retries: [COUNT[0], COUNT[1], number],
  retryDelay: SECONDS,
  retryCap: SECONDS,
  maxWait: SECONDS,
  autoResume: SWITCH,
  whenIdle: oneOf('keep lapse', text),
  idleAfter: SECONDS,
  isTerminal: HOOK,
  log: ['a level or a function', (value) => isFunction(value) || LEVELS.includes(value)],
  server: oneOf('inert per-request'),
};

const ENDPOINT: Shape = { url: URLS, format: oneOf('json form none', text), params: PAIRS, headers: HEADERS };
const FIELDS: Shape = {
  access: TEXT,
  refresh: TEXT,
  expiresIn: TEXT,
  expiresAt: TEXT,
  expiresInUnit: oneOf('s ms', text),
};
const REFRESH: Shape = {
  ...ENDPOINT,
  method: ['a method', isMethod, text],
  clientId: TEXT,
  tokenIn: ['bearer, cookie or { body }', (value) => value === 'bearer' || value === 'cookie' || isText(value?.body)],
  sendAccessToken: SWITCH,
  credentials: oneOf('omit same-origin include'),
  csrf: { cookie: KEY, meta: KEY, header: KEY },
  fields: { ...FIELDS, login: FIELDS },
  revoke: { ...ENDPOINT, tokenField: TEXT },
};

/** Options of the public methods. */
export const FOR_TOKEN: Shape = { minValidity: SECONDS, signal: SIGNAL };
export const FOR_REFRESH: Shape = { force: FLAG, signal: SIGNAL };
export const FOR_RUN: Shape = { isUnauthorized: HOOK };
export const FOR_SET: Shape = { session: oneOf('auto new same') };
export const FOR_SIGN_OUT: Shape = { revoke: FLAG };

/** Checks options and turns them into what the engine and the parts of the facade take. */
export function parse(options: Options): Config {
  const entries: Entries = {};
  const source: unknown = Object.hasOwn(Object(options), 'refresh') ? options.refresh : undefined;
  const endpoint = isAddress(source) ? { url: source } : isObject(source) && source;
  const {
    refresh,
    attachTo = [],
    exclude = [],
    server,
    sameOrigin = true,
    ...rest
  } = read(
    endpoint ? { ...options, refresh: endpoint } : options,
    { ...OPTIONS, refresh: endpoint ? REFRESH : SOURCE },
    '',
    entries,
  );
  if (refresh === undefined) refuse('refresh', SOURCE[0], refresh);
  if (rest.adoptFrom && (!rest.store || isForgetful(rest.store)))
    refuse('adoptFrom', 'a store that outlives the page', rest.store);
  const inert = !isClient() && server !== 'per-request';
  const own = ownOrigin();
  if (!inert && !own && !attachTo.length)
    refuse('attachTo', 'an origin, as there is none here', attachTo);
  // A page's relative URLs must not fail where the page is rendered.
  const base = inert ? 'http://inert.invalid' : baseUrl();
  const places = (name: string, list: unknown[]) =>
    list.map((one) => placeOf(String(one), base) ?? refuse(name, PLACES[0], one));
  const { store = memory() } = rest;
  const inStore = !isForgetful(store);
  const shared = isClient() && (inStore || refresh?.tokenIn === 'cookie');
  if (shared) number(true, entries, 'lock');
  if (shared && inStore) number(true, entries, 'shared');
  return {
    entries,
    name: 'default',
    unauthorized: [401],
    log: 'error',
    ...rest,
    store,
    shared,
    ...readSource(refresh, base, own, entries),
    retry: rest.retry && readRetry(rest.retry, entries),
    inert,
    attach: [...(sameOrigin && own ? [{ origin: own, path: '/' }] : []), ...places('attachTo', attachTo)],
    exclude: places('exclude', exclude),
  } as unknown as Config;
}

/** The pauses are those of the engine. */
function readRetry({ attempts = 2, methods = IDEMPOTENT }: Values, { retryDelay = 1000, retryCap = 30_000 }: Entries): Retry {
  const upper = methods.map((method: string) => method.toUpperCase());
  return { attempts, methods: upper, delay: +retryDelay, cap: +retryCap };
}

/** What of a refresh source depends on other parts of it, or on the page. */
function readSource(source: any, base: string | undefined, own: string | undefined, entries: Entries): Partial<Config> {
  const put = (name: string, value: unknown) => value && text(value, entries, engineName('refresh.' + name));
  if (!isObject(source)) {
    put('kind', source ? 'callback' : 'none');
    return { refresh: source ?? undefined, endpoints: [] };
  }
  const { url, method, format, tokenIn, csrf, revoke, credentials } = source as Values;
  const resolve = (name: string, given: unknown): URL => {
    const found = isAddress(given) ? addressOf(String(given), base) : undefined;
    put(name, found ?? refuse('refresh.' + name, 'an http or https URL', given));
    return found!;
  };
  const endpoints = [resolve('url', url)];
  if (revoke) endpoints.push(resolve('revoke.url', revoke.url));
  const cookie = tokenIn === 'cookie';
  if (/^(get|head)$/i.test(method) && format !== 'none')
    refuse('refresh.format', 'none', format);
  if (cookie && credentials === 'omit') refuse('refresh.credentials', 'a value that sends the cookie', credentials);
  if (csrf && (!csrf.header || !csrf.cookie === !csrf.meta))
    refuse('refresh.csrf', 'a header, and a cookie or a meta', csrf);
  put('kind', 'endpoint');
  put('credentials', credentials ?? (!cookie ? 'omit' : endpoints[0]!.origin === own ? 'same-origin' : 'include'));
  put('tokenIn', tokenIn?.body ? 'body' : tokenIn);
  put('bodyField', tokenIn?.body);
  put('csrfHeader', csrf?.header);
  return { csrf, endpoints };
}

/**
 * Copies the members of `value`, which count only when they are its own, and tells the engine those that it takes.
 * Throws a `TypeError` for one that is unknown or wrong.
 */
export function read(value: Values | undefined = {}, shape: Shape, path = '', entries: Entries = {}): Values {
  if (!isObject(value)) refuse(path || 'options', 'an object', value);
  // Without a prototype: nobody's `Object.prototype.sameOrigin` is an option.
  const values: Record<string, any> = Object.create(null);
  for (const key of Object.keys(value)) {
    const name = path ? `${path}.${key}` : key;
    const given = value[key];
    const rule = Object.hasOwn(shape, key)
      ? shape[key]!
      : refuse(name, 'one of ' + Object.keys(shape).join(', '), 'another name');
    if (given === undefined) continue;
    if (isRule(rule)) {
      if (!rule[1](given)) refuse(name, rule[0], given);
      values[key] = given;
      rule[2]?.(given, entries, engineName(name));
    } else values[key] = read(given, rule, name, entries);
  }
  return values;
}

function isRule(rule: Rule | Shape): rule is Rule {
  return Array.isArray(rule);
}

/** The engine knows the parts of an endpoint by shorter names. */
function engineName(path: string): string {
  return path.replace(/^refresh\.(fields\.(?=login)|(?=fields|revoke))/, '');
}

function refuse(option: string, expected: string, got: unknown): never {
  // Of a long string not even a part: it may be a token.
  const shown =
    typeof got !== 'string' ? (Object(got) === got ? typeof got : String(got)) : got.length < 8 ? `"${got}"` : '…';
  throw new TypeError(`option "${option}": expected ${expected}, got ${shown}`);
}
