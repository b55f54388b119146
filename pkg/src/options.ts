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

/** What is expected, the test for it, and how the engine gets it, if it does. */
type Rule = readonly [expected: string, test: (value: any) => boolean, emit?: (entries: Entry[], name: string, value: any) => void];
type Shape = { readonly [key: string]: Rule };
type Values = { readonly [key: string]: any };

const isNumber = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value < 9e12;
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isFunction = (value: unknown) => typeof value === 'function';
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);
const isAddress = (value: unknown) => isText(value) || value instanceof URL;
const isPlaces = (value: unknown) => Array.isArray(value) && value.every(isAddress);

const number =
  (unit: number) =>
  (entries: Entry[], name: string, value: number): void =>
    void entries.push(['number', name, value * unit]);
const text = (entries: Entry[], name: string, value: string): void => void entries.push(['text', name, value]);
const pairs = (entries: Entry[], name: string, value: Values): void => {
  for (const [key, one] of Object.entries(value)) entries.push(['pair', name, key, one]);
};
const choice = (...names: string[]): Rule => [names.map((name) => `"${name}"`).join(' or '), (value) => names.includes(value)];

const SECONDS: Rule = ['a number of seconds ≥ 0', isNumber, number(1000)];
const SWITCH: Rule = ['true or false', (value) => typeof value === 'boolean', number(1)];
const KEY: Rule = ['a string that is not empty', isText];
const TEXT: Rule = [...KEY, text] as unknown as Rule;
const OBJECT: Rule = ['an object', isObject];
const ADDRESS: Rule = ['an http or https URL', isAddress];
const PLACES: Rule = ['a list of http or https origins, each with or without a path', isPlaces];
const RECORD: Rule = [
  'an object of strings',
  (value) => isObject(value) && Object.values(value).every((one) => typeof one === 'string'),
  pairs,
];
const oneOf = (...names: string[]): Rule => [...choice(...names), text] as unknown as Rule;

const OPTIONS: Shape = {
  refresh: ['a URL, a description, a callback or null', (value) => !value === (value === null) && !Array.isArray(value)],
  name: TEXT,
  store: ['a store with get, set and remove', (value) => [value?.get, value?.set, value?.remove].every(isFunction)],
  persist: oneOf('both', 'refresh'),
  adoptFrom: OBJECT,
  accessIn: oneOf('header', 'cookie'),
  sameOrigin: SWITCH.slice(0, 2) as unknown as Rule,
  attachTo: PLACES,
  exclude: PLACES,
  unauthorized: [
    'a list of statuses and of { status, path, values }',
    (value) =>
      Array.isArray(value) &&
      value.every((one) => isNumber(one) || (isObject(one) && isNumber((one as Values).status) && isText((one as Values).path) && Array.isArray((one as Values).values))),
  ],
  shouldRefresh: ['a function', isFunction],
  lead: SECONDS,
  margin: SECONDS,
  checkInterval: SECONDS,
  attemptTimeout: SECONDS,
  retries: ['a whole number ≥ 0', (value) => isNumber(value) && value % 1 === 0, number(1)],
  retryDelay: SECONDS,
  retryCap: SECONDS,
  maxWait: SECONDS,
  autoResume: SWITCH,
  log: ['a function or "off", "error", "info" or "debug"', (value) => isFunction(value) || LEVELS.includes(value)],
  server: choice('inert', 'per-request'),
};
/** In rising loudness. */
export const LEVELS = ['off', 'error', 'info', 'debug'];

const ENDPOINT: Shape = { url: ADDRESS, format: oneOf('json', 'form', 'none'), params: RECORD, headers: RECORD };
const REVOKE: Shape = { ...ENDPOINT, tokenField: TEXT };
const REFRESH: Shape = {
  ...ENDPOINT,
  method: TEXT,
  clientId: TEXT,
  tokenIn: ['"bearer", "cookie" or { body }', (value) => value === 'bearer' || value === 'cookie' || isObject(value)],
  sendAccessToken: SWITCH,
  credentials: choice('omit', 'same-origin', 'include'),
  csrf: OBJECT,
  fields: OBJECT,
  revoke: OBJECT,
};
const CSRF: Shape = { cookie: KEY, meta: KEY, header: KEY };
const LOGIN: Shape = { access: TEXT, refresh: TEXT, expiresIn: TEXT, expiresAt: TEXT, expiresInUnit: oneOf('s', 'ms') };
const FIELDS: Shape = { ...LOGIN, login: OBJECT };

/** Checks options and turns them into what the engine and the parts of the facade take. */
export function parse(options: Options): Config {
  const entries: Entry[] = [];
  const { refresh, attachTo = [], exclude = [], server, sameOrigin, ...rest } = read(options, OPTIONS, '', entries);
  if (refresh === undefined) refuse('refresh', OPTIONS.refresh![0], refresh);
  const client = isClient();
  const inert = !client && server !== 'per-request';
  if (!client && !inert && !attachTo.length) refuse('attachTo', 'an origin, because a server has none of its own', attachTo);
  // A page's relative URLs must not fail where the page is rendered.
  const base = inert ? 'http://inert.invalid' : baseUrl();
  const places = (name: string, list: unknown[]) => list.map((one) => placeOf(String(one), base) ?? refuse(name, PLACES[0], one));

  const kind = refresh === null ? 'none' : isFunction(refresh) ? 'callback' : 'endpoint';
  text(entries, 'refresh.kind', kind);
  const endpoint = kind === 'endpoint' ? readEndpoint(isObject(refresh) && !isAddress(refresh) ? refresh : { url: refresh }, base, entries) : {};
  return {
    inert,
    entries,
    name: 'default',
    store: memory(),
    csrf: undefined,
    endpoints: [],
    unauthorized: [401],
    log: 'error',
    ...(rest as Partial<Config>),
    ...endpoint,
    adoptFrom: rest.adoptFrom && read(rest.adoptFrom, { access: KEY, refresh: KEY }, 'adoptFrom.', entries),
    refresh: kind === 'callback' ? refresh : undefined,
    attach: [...(sameOrigin === false ? [] : [{ origin: ownOrigin() ?? '', path: '/' }]), ...places('attachTo', attachTo)],
    exclude: places('exclude', exclude),
  } as Config;
}

function readEndpoint(source: Values, base: string | undefined, entries: Entry[]): Pick<Config, 'csrf' | 'endpoints'> {
  const at = 'refresh.';
  const { url, tokenIn, csrf, fields, revoke, ...rest } = read(source, REFRESH, at, entries);
  const address = (name: string, given: unknown): URL => {
    const found = addressOf(String(given), base) ?? refuse(name, ADDRESS[0], given);
    text(entries, engineName(name), found.href);
    return found;
  };
  const endpoints = [address(at + 'url', url)];

  if (isObject(tokenIn)) {
    const { body } = read(tokenIn, { body: KEY }, at + 'tokenIn.', entries);
    text(entries, at + 'bodyField', body ?? refuse(at + 'tokenIn.body', KEY[0], body));
  } else if (tokenIn) text(entries, at + 'tokenIn', tokenIn);
  const apart = endpoints[0]!.origin !== ownOrigin();
  const { credentials = tokenIn !== 'cookie' ? 'omit' : apart ? 'include' : 'same-origin' } = rest;
  if (tokenIn === 'cookie' && credentials === 'omit') refuse(at + 'credentials', 'a value that sends the cookie', credentials);
  text(entries, at + 'credentials', credentials);

  const login = fields && read(fields, FIELDS, at + 'fields.', entries).login;
  if (login) read(login, LOGIN, at + 'fields.login.', entries);
  if (revoke) endpoints.push(address(at + 'revoke.url', read(revoke, REVOKE, at + 'revoke.', entries).url));
  const from = csrf && read(csrf, CSRF, at + 'csrf.', entries);
  if (from) {
    if (!from.header || !from.cookie === !from.meta) refuse(at + 'csrf', 'a header, and either a cookie or a meta', csrf);
    text(entries, at + 'csrfHeader', from.header);
  }
  return { csrf: from, endpoints };
}

/**
 * Copies the members of `value`, which count only when they are its own, and tells the engine those that it takes.
 * Throws a `TypeError` for one that is unknown or wrong.
 */
export function read(value: Values, shape: Shape, path: string, entries: Entry[] = []): Values {
  if (!isObject(value)) refuse(path, OBJECT[0], value);
  // Without a prototype: nobody's `Object.prototype.sameOrigin` is an option.
  const values: Record<string, any> = Object.create(null);
  for (const key of Object.keys(value)) {
    const given = value[key];
    if (!Object.hasOwn(shape, key)) throw new TypeError(`option "${path}${key}": unknown, expected one of ${Object.keys(shape).join(', ')}`);
    if (given === undefined) continue;
    const [expected, test, emit] = shape[key]!;
    if (!test(given)) refuse(path + key, expected, given);
    values[key] = given;
    emit?.(entries, engineName(path + key), given);
  }
  return values;
}

/** Options of the public methods. */
export const CALL = {
  force: SWITCH,
  minValidity: SECONDS,
  revoke: SWITCH,
  session: choice('auto', 'new', 'same'),
  signal: ['an AbortSignal', (value) => isObject(value) && 'aborted' in value] as Rule,
  isUnauthorized: ['a function', isFunction] as Rule,
};

function engineName(path: string): string {
  return path.replace(/^refresh\.(fields\.(?=login)|(?=fields|revoke))/, '');
}

function refuse(option: string, expected: string, got: unknown): never {
  throw new TypeError(`option "${option}": expected ${expected}, got ${show(got)}`);
}

/** Short enough to be no part of a token worth having. */
function show(value: unknown): string {
  if (typeof value === 'string') return value.length < 8 ? JSON.stringify(value) : 'another string';
  return Array.isArray(value) ? 'a list' : isObject(value) ? 'an object' : isFunction(value) ? 'a function' : String(value);
}
