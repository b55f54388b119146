// A page whose scripts change what the language and the browser offer, after this package has loaded: what then sees a
// token, and what does not. In a frame, which has intrinsics of its own.

import { after, engine, equal, harness, login, ok, signedIn, sleep, test, unique, until, wire } from './kit.js';

/** Whoever replaces these later sees a token. `SECURITY.md` says so; a name that comes here goes there too. */
const SEEN = {
  access: [
    'Array.prototype[Symbol.iterator]',
    'Headers.prototype.set',
    'Map.prototype.get',
    'Map.prototype.set',
    'Object.prototype.body',
    'Object.prototype.method',
    'Object.prototype.signal',
    'Object.prototype.then',
    'Object.prototype.toString',
    'Promise.prototype.catch',
    'Promise.prototype.then',
    'ReadableStreamDefaultReader.prototype.read',
    'TextDecoder.prototype.decode',
    'TextEncoder.prototype.encode',
    'fetch',
  ],
  refresh: [
    'Array.prototype[Symbol.iterator]',
    'Map.prototype.get',
    'Map.prototype.set',
    'Object.prototype.body',
    'Object.prototype.then',
    'Promise.prototype.then',
    'ReadableStreamDefaultReader.prototype.read',
    'TextDecoder.prototype.decode',
    'TextEncoder.prototype.encode',
  ],
};

/** Every function of these is replaced. */
const OWNERS = [
  ...['Array', 'Map', 'Object', 'Promise', 'Reflect', 'RegExp', 'Set', 'String', 'Uint8Array', 'WeakMap', 'JSON', 'Function'],
  ...['AbortController', 'AbortSignal', 'Headers', 'Request', 'Response', 'TextDecoder', 'TextEncoder', 'URL', 'Storage', 'ReadableStreamDefaultReader'],
];
const CONSTRUCTORS = ['Headers', 'Request', 'Response', 'URL', 'TextEncoder', 'TextDecoder', 'AbortController', 'Map', 'Set', 'WeakMap', 'Promise', 'Error', 'String', 'Array', 'Object'];
/** Members that an object of ours may have; where it has none of its own, the prototype's setter or getter runs. */
const MEMBERS = ['Authorization', 'authorization', 'headers', 'body', 'method', 'auth', 'then', 'error', 'refresh', 'access', 'signal', 'token', 'bearer', 'access_token', 'refresh_token', 'accessToken', 'refreshToken', 'extras', '0', '1', '2', '3'];

const { apply, construct, ownKeys, getOwnPropertyDescriptor, defineProperty } = Reflect;
const then = Promise.prototype.then;

/** Members of `Object.prototype` that would turn `fetch` off, or send its token astray, if they were believed. */
const BELIEVED = { auth: 'omit', ours: true, origin: 'null', sameOrigin: false, attachTo: ['http://127.0.0.1'], error: 'none', aborted: true };

test('what Object.prototype says changes nothing', async () => {
  const auth = await signedIn();
  after(() => Object.keys(BELIEVED).forEach((name) => delete Object.prototype[name]));
  Object.assign(Object.prototype, BELIEVED);
  for (const init of [undefined, {}, { headers: { 'x-own': '1' } }, { method: 'POST', body: new Uint8Array([1]) }])
    equal((await auth.fetch(wire({ guard: 1 }), init)).status, 200);
  equal((await auth.fetch(wire({ guard: 1 }, 'stranger'))).status, 401);
});

/** Replaces it all in `frame`; `heard(name, text)` gets every text that passes one of them. */
function poison(frame, heard) {
  let busy = false;
  let left = 0;
  const look = (name, values) => {
    if (busy) return;
    busy = true;
    left = 20;
    try {
      for (const value of values) scan(name, value, 0);
    } finally {
      busy = false;
    }
  };
  function scan(name, value, depth) {
    if (typeof value === 'string') return void heard(name, value);
    if (typeof value !== 'object' || value === null || depth > 2 || --left < 0 || value === frame) return;
    if (value instanceof frame.Promise) return void apply(then, value, [(found) => look(name, [found]), () => {}]);
    if (value instanceof frame.Headers) return scan(name, Headers.prototype.get.call(value, 'authorization') ?? '', depth + 1);
    if (value instanceof frame.Request) return scan(name, Object.getOwnPropertyDescriptor(Request.prototype, 'headers').get.call(value), depth + 1);
    if (ArrayBuffer.isView(value)) return value.byteLength < 4096 && scan(name, new TextDecoder().decode(value), depth + 1);
    if (value instanceof frame.Node) return undefined;
    for (const key of ownKeys(value).slice(0, 12)) {
      const found = getOwnPropertyDescriptor(value, key);
      if (found && 'value' in found) scan(name, found.value, depth + 1);
    }
  }
  const over = (name, original) =>
    new Proxy(original, {
      apply(_, self, args) {
        look(name, [self, ...args]);
        const result = apply(original, self, args);
        look(name, [result]);
        return result;
      },
      construct(_, args, target) {
        look(name, args);
        return construct(original, args, target);
      },
    });
  const replace = (owner, key, name) => {
    const found = getOwnPropertyDescriptor(owner, key);
    if (typeof found?.value === 'function' && found.configurable && key !== 'constructor') defineProperty(owner, key, { ...found, value: over(name, found.value) });
  };
  const named = (name, key) => `${name}${typeof key === 'symbol' ? `[${key.description}]` : `.${key}`}`;
  for (const name of OWNERS) {
    const owner = frame[name];
    for (const key of ownKeys(owner)) replace(owner, key, named(name, key));
    if (owner.prototype) for (const key of ownKeys(owner.prototype)) replace(owner.prototype, key, named(`${name}.prototype`, key));
  }
  for (const name of CONSTRUCTORS) replace(frame, name, `new ${name}`);
  for (const name of ['queueMicrotask', 'setTimeout', 'atob', 'btoa', 'structuredClone', 'fetch']) replace(frame, name, name);
  for (const key of MEMBERS) {
    if (key in frame.Object.prototype) continue;
    const name = `Object.prototype.${key}`;
    defineProperty(frame.Object.prototype, key, {
      configurable: true,
      get() {
        look(name, [this]);
        return undefined;
      },
      set(value) {
        look(name, [value]);
        defineProperty(this, key, { value, writable: true, enumerable: true, configurable: true });
      },
    });
  }
}

test('what a script that comes later can replace, and what of it sees a token', async () => {
  const element = document.createElement('iframe');
  element.src = '/fetch/frame.html';
  document.body.append(element);
  after(() => element.remove());
  await until(() => element.contentDocument?.readyState === 'complete' && element.contentWindow.location.pathname.endsWith('frame.html'));
  const frame = element.contentWindow;

  // What the server has issued, by the one thing that was there before this package.
  const tokens = { access: new Set(), refresh: new Set() };
  const issued = ({ access_token, refresh_token }) => (tokens.access.add(access_token), tokens.refresh.add(refresh_token));
  const { fetch } = frame;
  frame.fetch = async (input, init) => {
    const response = await apply(fetch, frame, [input, init]);
    if (String(input).endsWith('/auth/refresh')) issued(JSON.parse(await apply(text, apply(clone, response, []), [])));
    return response;
  };
  const { text, clone } = frame.Response.prototype;

  const { createTokenManager } = await frame.eval("import('/evertoken/dist/index.js')");
  const auth = createTokenManager({ refresh: '/auth/refresh', name: unique() });
  after(() => auth.dispose());
  const first = await login();
  issued(first);
  await auth.setTokens(first);
  await sleep(2100);

  const heard = new Map();
  poison(frame, (name, text) => text.length > 24 && heard.set(`${name} ${text}`, [name, text]));
  equal((await auth.fetch(wire({ guard: 1 }))).status, 200);
  await harness('refuse', { token: first.access_token });
  equal((await auth.fetch(wire({ guard: 1 }), { method: 'POST', body: new Uint8Array([1]) })).status, 200);
  await auth.refresh({ force: true });
  const another = await login();
  issued(another);
  await auth.setTokens(another);
  ok(tokens.refresh.size === 4, 'two refreshes and two sign-ins');
  const seen = { access: new Set(), refresh: new Set() };
  for (const [name, text] of heard.values()) {
    for (const kind of Object.keys(tokens)) for (const token of tokens[kind]) if (text.includes(token.slice(-24))) seen[kind].add(name);
  }
  // (WebKit does not ask the result of a reader for a `then`.)
  if (engine === 'webkit') seen.refresh.add('Object.prototype.then');
  for (const kind of Object.keys(SEEN)) equal([...seen[kind]].sort(), SEEN[kind], `who sees the ${kind} token`);
});
