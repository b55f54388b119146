// Calls of `fetch` as nobody would write them, from a seed.

/** A stream of numbers that a seed decides (mulberry32). */
export function dice(seed) {
  const next = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    chance: (share) => next() < share,
    pick: (list) => list[Math.floor(next() * list.length)],
  };
}

/** What makes a fresh object at each call, so that the same arguments can be made twice. */
const fresh = (make) => ({ make });
const plainly = (value) => fresh(() => value);

/** Another text at each look. */
const counting = () => {
  let looks = 0;
  return { toString: () => `look ${looks++}` };
};

const NAMES = ['accept', 'X-Own', 'x-own', 'Content-Type', 'constructor', '__proto__', 'accept-languages', 'x y', '', 'x-é'];
const OWN = ['authorization', 'Authorization', 'AUTHORIZATION', 'aUTHORIZATION'];
const VALUES = ['a', ' spaced ', '', 'ÿ', 7, undefined, null, 'a\nb', '☃', fresh(counting), fresh(() => Symbol('no'))];
const BODIES = [
  undefined,
  null,
  '',
  'text',
  5,
  fresh(() => new URLSearchParams('a=b')),
  fresh(() => new Blob(['blob'])),
  fresh(() => new Uint8Array([1, 2])),
  fresh(() => ({ toString: () => 'object' })),
];
const MEMBERS = {
  method: ['GET', 'POST', 'post', 'patch', 'HEAD', 'DELETE', 'TRACE', 'B D', undefined, null, fresh(() => ({ toString: () => 'PUT' }))],
  signal: [undefined, null, fresh(() => AbortSignal.abort()), fresh(() => new AbortController().signal), fresh(() => ({ aborted: false }))],
  mode: ['cors', 'same-origin', 'no-cors', 'navigate', undefined, 'odd', fresh(() => ({ toString: () => 'no-cors' }))],
  credentials: ['omit', 'include', 'same-origin', 'odd', fresh(() => Object('omit'))],
  cache: ['no-store', 'reload', 'only-if-cached', undefined],
  redirect: ['follow', 'manual', 'error', fresh(() => ({ toString: () => 'manual' }))],
  referrer: ['', 'about:client', 'no url', fresh(() => new URL('https://referrer.example/'))],
  referrerPolicy: ['no-referrer', 'origin', 'odd'],
  integrity: ['sha256-x', '', null, fresh(() => ({ toString: () => 'sha256-object' }))],
  keepalive: [true, false, 1, fresh(() => ({}))],
  priority: ['high', 'low', undefined],
  duplex: ['half', 'full', undefined],
  window: [undefined, null, 5],
  next: [fresh(() => ({ revalidate: 1 }))],
};

/** Ways to hold members. */
const SHAPES = {
  literal: (members) => ({ ...members }),
  frozen: (members) => Object.freeze({ ...members }),
  nobody: (members) => Object.assign(Object.create(null), members),
  inherited: (members) => Object.create(members),
  instance: (members) => Object.assign(new (class Own {})(), members),
  getters: (members) => {
    const target = {};
    for (const [name, value] of Object.entries(members)) Object.defineProperty(target, name, { get: () => value, enumerable: true });
    return target;
  },
  hidden: (members) => {
    const target = {};
    for (const [name, value] of Object.entries(members)) Object.defineProperty(target, name, { value, enumerable: name.length % 2 === 0 });
    return target;
  },
  proxy: (members) => new Proxy({ ...members }, {}),
  mirage: (members) => new Proxy({}, { get: (_, name) => (Object.hasOwn(members, name) ? members[name] : undefined) }),
  symbolic: (members) => ({ ...members, [Symbol('more')]: 'x' }),
};
// (Node takes what is not enumerable for a header, against the standard.)
const { hidden: _, ...RECORDS } = SHAPES;
const HEADERS = {
  ...RECORDS,
  pairs: (members) => Object.entries(members),
  map: (members) => new Map(Object.entries(members)),
  list: (members) => new Headers(Object.entries(members)),
  iterable: (members) => ({ ...members, *[Symbol.iterator]() { yield ['x-iterated', 'yes']; } }),
};

/** A call as a recipe: `make()` gives its arguments, fresh each time and always the same. Throws when they cannot be. */
export function randomCall({ pick, chance }, urls) {
  const usual = chance(0.4);
  const shapeOf = (shapes) => (usual || chance(0.3) ? shapes.literal : pick(Object.values(shapes)));
  const headers = {};
  while (chance(0.6)) headers[usual ? pick(NAMES.slice(0, 4)) : pick(NAMES)] = usual ? 'a' : pick(VALUES);
  if (chance(0.1)) headers[pick(OWN)] = 'Bearer of-the-caller';
  const members = {};
  if (chance(0.7)) {
    const shape = shapeOf(HEADERS);
    members.headers = fresh(() => shape(made(headers)));
  } else if (!usual && chance(0.1)) members.headers = pick([undefined, null, 5, 'text']);
  if (chance(0.3)) members.body = usual ? 'text' : pick(BODIES);
  for (const [name, values] of Object.entries(MEMBERS)) {
    if (chance(usual ? 0.06 : 0.12)) members[name] = pick(values);
  }
  if (usual && members.body) members.method = 'POST';
  const shape = shapeOf(SHAPES);
  const init = chance(0.1) ? plainly(pick([undefined, undefined, null, 5, 'text'])) : fresh(() => shape(made(members)));
  const url = pick(urls);
  const input = pick([url, url, url, fresh(() => new URL(url)), fresh(() => ({ toString: () => url })), fresh(() => new Request(url, { headers: { 'x-input': '1' }, method: 'PUT', body: 'input' }))]);
  return { url, make: () => [valueOf(input), valueOf(init)] };
}

function made(members) {
  const values = {};
  for (const [name, value] of Object.entries(members)) Object.defineProperty(values, name, { value: valueOf(value), enumerable: true, writable: true, configurable: true });
  return values;
}

function valueOf(value) {
  return value?.make ? value.make() : value;
}
