import type { Entry } from './engine.js';
import { type Place, addressOf, placeOf } from './place.js';
import { baseUrl, isClient, ownOrigin } from './scope.js';
import type { LogEntry, LogLevel, Options, RefreshCallback, Store, UnauthorizedBody } from './settings.js';
import { memory } from './stores.js';

/** Options that are valid together. */
export interface Config {
  /** Outside of browsers, and not asked to work there. */
  readonly inert: boolean;
  /** What the engine gets. */
  readonly entries: readonly Entry[];
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
  readonly log: LogLevel | 'off' | ((entry: LogEntry) => void);
}

type Emit = (entries: Entry[], name: string, value: any) => void;
/** What is expected, the test for it, and how the engine gets it, if it does. */
type Rule = readonly [expected: string, test: (value: any) => boolean, emit?: Emit];
/** Rules by name; a shape within a shape is an object within an object. */
interface Shape {
  readonly [key: string]: Rule | Shape;
}
type Values = { readonly [key: string]: any };

const isNumber = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value < 9e12;
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isFunction = (value: unknown) => typeof value === 'function';
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);
const isAddress = (value: unknown) => isText(value) || value instanceof URL;
const isBoolean = (value: unknown) => typeof value === 'boolean';
const isUnauthorized = (value: any) => isNumber(value) || (isNumber(value?.status) && isText(value.path) && Array.isArray(value.values));
const isStore = (value: any) => isFunction(value?.get) && isFunction(value.set) && isFunction(value.remove);
const isListOf = (test: (value: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(test);

const number =
  (unit: number): Emit =>
  (entries, name, value) =>
    entries.push(['number', name, value * unit]);
const text: Emit = (entries, name, value) => entries.push(['text', name, String(value)]);
const pairs: Emit = (entries, name, value) => {
  for (const key of Object.keys(value)) entries.push(['pair', name, key, String(value[key])]);
};
const oneOf = (names: string, emit?: Emit): Rule => [names.replaceAll(' ', ' or '), (value) => names.split(' ').includes(value), emit];

const SECONDS: Rule = ['a number of seconds ≥ 0', isNumber, number(1000)];
const FLAG: Rule = ['true or false', isBoolean];
const SWITCH: Rule = [FLAG[0], isBoolean, number(1)];
const KEY: Rule = ['a string that is not empty', isText];
const TEXT: Rule = [KEY[0], isText, text];
const HOOK: Rule = ['a function', isFunction];
const ADDRESS: Rule = ['an http or https URL', isAddress];
const PLACES: Rule = ['a list of http or https origins, each with or without a path', isListOf(isAddress)];
const PAIRS: Rule = ['an object', isObject, pairs];

const SOURCE: Rule = ['a URL, a description, a callback or null', (value) => value === null || isFunction(value)];
/** Without `refresh`, which has several forms. */
const OPTIONS: Shape = {
  name: TEXT,
  store: ['a store with get, set and remove', isStore],
  persist: oneOf('both refresh', text),
  adoptFrom: { access: KEY, refresh: KEY },
  accessIn: oneOf('header cookie', text),
  sameOrigin: FLAG,
  attachTo: PLACES,
  exclude: PLACES,
  unauthorized: ['a list of statuses and of { status, path, values }', isListOf(isUnauthorized)],
  shouldRefresh: HOOK,
  lead: SECONDS,
  margin: SECONDS,
  checkInterval: SECONDS,
  attemptTimeout: SECONDS,
  retries: ['a whole number ≥ 0', (value) => isNumber(value) && value % 1 === 0, number(1)],
  retryDelay: SECONDS,
  retryCap: SECONDS,
  maxWait: SECONDS,
  autoResume: SWITCH,
  log: ['a function or off, error, info or debug', (value) => isFunction(value) || LEVELS.includes(value)],
  server: oneOf('inert per-request'),
};
/** In rising loudness. */
export const LEVELS = ['off', 'error', 'info', 'debug'];

const ENDPOINT: Shape = { url: ADDRESS, format: oneOf('json form none', text), params: PAIRS, headers: PAIRS };
const FIELDS: Shape = { access: TEXT, refresh: TEXT, expiresIn: TEXT, expiresAt: TEXT, expiresInUnit: oneOf('s ms', text) };
const REFRESH: Shape = {
  ...ENDPOINT,
  method: TEXT,
  clientId: TEXT,
  tokenIn: ['bearer, cookie or { body }', (value) => value === 'bearer' || value === 'cookie' || isText(value?.body)],
  sendAccessToken: SWITCH,
  credentials: oneOf('omit same-origin include'),
  csrf: { cookie: KEY, meta: KEY, header: KEY },
  fields: { ...FIELDS, login: FIELDS },
  revoke: { ...ENDPOINT, tokenField: TEXT },
};

/** Options of the public methods. */
const SIGNAL: Rule = ['an AbortSignal', (value) => 'aborted' in Object(value)];
export const FOR_TOKEN: Shape = { minValidity: SECONDS, signal: SIGNAL };
export const FOR_REFRESH: Shape = { force: FLAG, signal: SIGNAL };
export const FOR_RUN: Shape = { isUnauthorized: HOOK };
export const FOR_SET: Shape = { session: oneOf('auto new same') };
export const FOR_SIGN_OUT: Shape = { revoke: FLAG };

/** Checks options and turns them into what the engine and the parts of the facade take. */
export function parse(options: Options): Config {
  const entries: Entry[] = [];
  const source: unknown = Object.hasOwn(Object(options), 'refresh') ? options.refresh : undefined;
  const { refresh = refuse('refresh', SOURCE[0], source), attachTo = [], exclude = [], server, sameOrigin, ...rest } = read(
    isAddress(source) ? { ...options, refresh: { url: source } } : options,
    { ...OPTIONS, refresh: isObject(source) || isAddress(source) ? REFRESH : SOURCE },
    '',
    entries,
  );
  const client = isClient();
  const inert = !client && server !== 'per-request';
  if (!client && !inert && !attachTo.length) refuse('attachTo', 'an origin, because a server has none of its own', attachTo);
  // A page's relative URLs must not fail where the page is rendered.
  const base = inert ? 'http://inert.invalid' : baseUrl();
  const places = (name: string, list: unknown[]) => list.map((one) => placeOf(String(one), base) ?? refuse(name, PLACES[0], one));

  const called = isFunction(refresh);
  text(entries, 'refresh.kind', called ? 'callback' : refresh ? 'endpoint' : 'none');
  return {
    inert,
    entries,
    name: 'default',
    store: memory(),
    unauthorized: [401],
    log: 'error',
    ...rest,
    refresh: called ? refresh : undefined,
    csrf: called ? undefined : refresh?.csrf,
    endpoints: called || !refresh ? [] : readEndpoint(refresh, base, entries),
    attach: [...(sameOrigin === false ? [] : [{ origin: ownOrigin() ?? '', path: '/' }]), ...places('attachTo', attachTo)],
    exclude: places('exclude', exclude),
  } as unknown as Config;
}

/** The options of an endpoint that depend on each other, or on the page. Returns the URLs that are never touched. */
function readEndpoint({ url, tokenIn, csrf, revoke, credentials }: Values, base: string | undefined, entries: Entry[]): URL[] {
  const put = (name: string, value: unknown) => value && text(entries, engineName('refresh.' + name), value);
  const resolve = (name: string, given: string | URL | undefined): URL => {
    const found = (given ? addressOf(String(given), base) : undefined) ?? refuse('refresh.' + name, ADDRESS[0], given);
    put(name, found);
    return found;
  };
  const endpoints = [resolve('url', url), ...(revoke ? [resolve('revoke.url', revoke.url)] : [])];
  const cookie = tokenIn === 'cookie';
  const apart = endpoints[0]!.origin !== ownOrigin();
  if (cookie && credentials === 'omit') refuse('refresh.credentials', 'a value that sends the cookie', credentials);
  if (csrf && (!csrf.header || !csrf.cookie === !csrf.meta)) refuse('refresh.csrf', 'a header, and either a cookie or a meta', csrf);
  put('credentials', credentials ?? (cookie ? (apart ? 'include' : 'same-origin') : 'omit'));
  put('tokenIn', tokenIn?.body ? 'body' : tokenIn);
  put('bodyField', tokenIn?.body);
  put('csrfHeader', csrf?.header);
  return endpoints;
}

/**
 * Copies the members of `value`, which count only when they are its own, and tells the engine those that it takes.
 * Throws a `TypeError` for one that is unknown or wrong.
 */
export function read(value: Values, shape: Shape, path = '', entries: Entry[] = []): Values {
  if (!isObject(value)) refuse(path || 'options', 'an object', value);
  // Without a prototype: nobody's `Object.prototype.sameOrigin` is an option.
  const values: Record<string, any> = Object.create(null);
  for (const key of Object.keys(value)) {
    const name = path ? `${path}.${key}` : key;
    const given = value[key];
    if (!Object.hasOwn(shape, key)) refuse(name, 'one of ' + Object.keys(shape).join(', '));
    if (given === undefined) continue;
    const rule = shape[key]!;
    if (isRule(rule)) {
      const [expected, test, emit] = rule;
      if (!test(given)) refuse(name, expected, given);
      values[key] = given;
      emit?.(entries, engineName(name), given);
    } else values[key] = read(given, rule, name, entries);
  }
  return values;
}

function isRule(rule: Rule | Shape): rule is Rule {
  return Array.isArray(rule);
}

function engineName(path: string): string {
  return path.replace(/^refresh\.(fields\.(?=login)|(?=fields|revoke))/, '');
}

function refuse(option: string, expected: string, ...got: unknown[]): never {
  throw new TypeError(`option "${option}": expected ${expected}, got ${got.length ? show(got[0]) : 'another name'}`);
}

/** Short enough to be no part of a token worth having. */
function show(value: unknown): string {
  if (typeof value === 'string') return value.length < 8 ? JSON.stringify(value) : 'another string';
  return Object(value) === value ? (Array.isArray(value) ? 'a list' : 'a' + (isFunction(value) ? ' function' : 'n object')) : String(value);
}
