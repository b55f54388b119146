// Methods, headers and bodies.

import { realm } from '../compare.js';

const using = (init, query = { echo: 1 }) => async ({ fetch, url, tell }) => tell(fetch(url(query), typeof init === 'function' ? init() : init));
const headers = (given) => using(() => ({ headers: typeof given === 'function' ? given() : given }));
const body = (make, more = {}) => using(() => ({ method: 'POST', body: make(), ...more }));
const asRequest = (make) => async ({ fetch, url, tell }) => tell(fetch(new Request(url({ echo: 1 }), { method: 'POST', body: make() })));

const bytes = (length) => new Uint8Array(length).map((_, at) => at * 7);
const form = (from = globalThis) => {
  const data = new from.FormData();
  data.append('text', 'grüße\n2');
  data.append('file', new from.File([bytes(300)], 'ä".bin', { type: 'application/x-own' }));
  data.append('blob', new from.Blob(['blob']));
  return data;
};

/** Shared memory, where a page that is not isolated has no constructor for it. */
const sharedMemory = () => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });

export const methods = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CHICKEN'].map((method) => [method, using({ method })]),
  ...['get', 'head', 'post', 'put', 'patch', 'delete', 'options', 'chicken', 'GeT'].map((method) => [`${method}, as it is spelt`, using({ method })]),
  ...['CONNECT', 'TRACE', 'track', '', 'in valid', 'GET\n'].map((method) => [`the refused method ${JSON.stringify(method)}`, using({ method })]),
  ['a method that is an object', using({ method: { toString: () => 'PUT' } })],
  ['a method that is null', using({ method: null })],
  ['GET with a body', using({ body: 'x' })],
  ['HEAD with a body', using({ method: 'HEAD', body: 'x' })],
  ['GET with the body null', using({ method: 'GET', body: null })],
  ['DELETE with a body', using({ method: 'DELETE', body: 'x' })],
];

export const headersOfAllKinds = [
  ['a record', headers({ 'X-One': '1', 'x-two': '2', 'X-THREE': '3' })],
  ['an empty record', headers({})],
  ['Headers', headers(() => new Headers({ 'X-One': '1', 'x-two': '2' }))],
  ['Headers of another realm', headers(() => new realm.Headers({ 'X-One': '1' }))],
  ['pairs', headers([['X-One', '1'], ['x-two', '2']])],
  ['pairs with a name twice', headers([['X-One', '1'], ['x-one', '2']])],
  ['a record with a name in two spellings', headers({ 'X-One': '1', 'x-one': '2' })],
  ['a Map', headers(() => new Map([['X-One', '1']]))],
  ['pairs from a generator', headers(() => (function* () {
    yield ['X-One', '1'];
    yield ['X-Two', '2'];
  })())],
  ['no pairs', headers([])],
  ['a pair of three', headers([['X-One', '1', '2']])],
  ['pairs that are texts', headers(['ab', 'cd'])],
  ['null', headers(null)],
  ['a number', headers(5)],
  ['a text', headers('X-One: 1')],
  ['a function', headers(() => Object.assign(() => {}, { 'X-One': '1' }))],
  ['inherited names', headers(() => Object.create({ 'X-Inherited': '1' }, { 'X-Own': { value: '2', enumerable: true } }))],
  ['names that are not enumerable', headers(() => Object.defineProperty({ 'X-One': '1' }, 'X-Two', { value: '2' }))],
  ['a symbol as a name', headers(() => ({ 'X-One': '1', [Symbol('x')]: '2' }))],
  ['a getter', headers(() => ({ get 'X-One'() { return 'got'; } }))],
  ['values that are no texts', headers({ 'X-Number': 1, 'X-Null': null, 'X-Undefined': undefined, 'X-Array': ['a', 'b'], 'X-False': false })],
  ['a symbol as a value', headers(() => ({ 'X-One': Symbol('x') }))],
  ['white space around values', headers({ 'X-One': '  a  b \t' })],
  ['an empty value', headers({ 'X-One': '' })],
  ['a value of Latin-1', headers({ 'X-One': 'grüße' })],
  ['a value beyond Latin-1', headers({ 'X-One': '…' })],
  ['a line break in a value', headers({ 'X-One': 'a\r\nX-Two: b' })],
  ['a line break at the end of a value', headers({ 'X-One': 'a\n' })],
  ['a zero in a value', headers({ 'X-One': 'a\0b' })],
  ['a bad name', headers({ 'bad name': '1' })],
  ['an empty name', headers({ '': '1' })],
  ['forbidden names', headers({ Cookie: 'a=1', Host: 'x', 'Accept-Encoding': 'x', 'Sec-Own': 'x', 'Proxy-Own': 'x', Date: 'x', Via: 'x', DNT: '1' })],
  ['a forbidden method in a name for it', headers({ 'X-HTTP-Method-Override': 'TRACE' })],
  ['accept and language', headers({ accept: 'text/own', 'Accept-Language': 'de' })],
  ['a content type without a body', headers({ 'Content-Type': 'text/own' })],
  ['a range', headers({ Range: 'bytes=0-1' })],
  ['a condition', headers({ 'If-None-Match': '"a"' })],
  ['cache control', headers({ 'Cache-Control': 'max-age=0', Pragma: 'no-cache' })],
  ['a hundred', headers(() => Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`X-Number-${n}`, String(n)])))],
  ['a long value', headers({ 'X-One': 'x'.repeat(4000) })],
  ['names that objects have', headers({ constructor: '1', __proto__x: '2', toString: '3' })],
  ...['Authorization', 'authorization', 'AUTHORIZATION', 'aUthorization'].flatMap((name) => [
    [`an own ${name} in a record`, headers({ [name]: 'Bearer of-the-caller' })],
    [`an own ${name} in pairs`, headers([['X-One', '1'], [name, 'Bearer of-the-caller']])],
    [`an own ${name} in Headers`, headers(() => new Headers({ [name]: 'Bearer of-the-caller' }))],
  ]),
  ['an own Authorization from a generator', headers(() => (function* () {
    yield ['authorization', 'Bearer of-the-caller'];
  })())],
  ['an own Authorization in a Map', headers(() => new Map([['authorization', 'Bearer of-the-caller']]))],
  ['an empty Authorization', headers({ Authorization: '' })],
  ['an own Authorization in a Request', async ({ fetch, url, tell }) => tell(fetch(new Request(url(), { headers: { Authorization: 'Bearer of-the-caller' } })))],
  ['a Request with an Authorization that init takes away', async ({ fetch, url, tell }) => tell(fetch(new Request(url(), { headers: { 'X-Own': '1' } }), { headers: { 'X-New': '2' } }))],
];

export const bodies = [
  ['a text', body(() => 'grüße')],
  ['an empty text', body(() => '')],
  ['a text with half of a pair', body(() => 'a\ud800b')],
  ['a long text', body(() => 'x'.repeat(300_000))],
  ['a String object', body(() => new String('text'))],
  ['an ArrayBuffer', body(() => bytes(300).buffer)],
  ['an empty ArrayBuffer', body(() => new ArrayBuffer(0))],
  ['an ArrayBuffer of another realm', body(() => new realm.Uint8Array([1, 2, 3]).buffer)],
  ['a typed array', body(() => new Uint16Array([1, 2, 65535]))],
  ['a part of a typed array', body(() => bytes(300).subarray(3, 30))],
  ['a DataView', body(() => new DataView(bytes(300).buffer, 5, 10))],
  ['a Blob', body(() => new Blob(['a', bytes(3)]))],
  ['a Blob with a type', body(() => new Blob(['{}'], { type: 'application/json' }))],
  ['a Blob of another realm', body(() => new realm.Blob(['x'], { type: 'text/own' }))],
  ['a File', body(() => new File(['content'], 'a.txt', { type: 'text/plain' }))],
  ['a big Blob', body(() => new Blob([bytes(2_000_000)]))],
  ['FormData', body(form)],
  ['FormData of another realm', body(() => form(realm))],
  ['empty FormData', body(() => new FormData())],
  ['URLSearchParams', body(() => new URLSearchParams({ q: 'ä&b', r: '' }))],
  ['URLSearchParams of another realm', body(() => new realm.URLSearchParams({ q: '1' }))],
  ['an object', body(() => ({ a: 1 }))],
  ['an object with a text of its own', body(() => ({ toString: () => 'own' }))],
  ['an array', body(() => ['a', 'b'])],
  ['a number', body(() => 5)],
  ['false', body(() => false)],
  ['zero', body(() => 0)],
  ['null', body(() => null)],
  ['undefined', body(() => undefined)],
  ['a symbol', body(() => Symbol('x'))],
  ['a content type of one’s own', body(() => 'x', { headers: { 'content-type': 'text/own' } })],
  ['a content type of one’s own for FormData', body(form, { headers: { 'Content-Type': 'multipart/own' } })],
  ['a content type of one’s own for a Blob', body(() => new Blob(['x'], { type: 'text/other' }), { headers: [['Content-Type', 'text/own']] })],
  ['a stream', body(() => new Blob(['streamed']).stream(), { duplex: 'half' })],
  ['a stream without duplex', body(() => new Blob(['streamed']).stream())],
  ['a stream of texts', body(() => new ReadableStream({ start: (to) => (to.enqueue('no bytes'), to.close()) }), { duplex: 'half' })],
  ['a stream that is locked', body(() => {
    const stream = new Blob(['x']).stream();
    stream.getReader();
    return stream;
  }, { duplex: 'half' })],
  ['a stream with keepalive', body(() => new Blob(['x']).stream(), { duplex: 'half', keepalive: true })],
  ['a text of a Request', asRequest(() => 'grüße')],
  ['an ArrayBuffer of a Request', asRequest(() => bytes(300).buffer)],
  ['a Blob of a Request', asRequest(() => new Blob(['x'], { type: 'text/own' }))],
  ['FormData of a Request', asRequest(form)],
  ['URLSearchParams of a Request', asRequest(() => new URLSearchParams('a=1'))],
  ['a body of init over that of a Request', async ({ fetch, url, tell }) => {
    const request = new Request(url({ echo: 1 }), { method: 'POST', body: 'of the request', headers: { 'X-A': '1' } });
    return [await tell(fetch(request, { body: form() })), request.bodyUsed];
  }],
  ['a Request that is being read', async ({ fetch, url, tell }) => {
    const request = new Request(url(), { method: 'POST', body: 'x' });
    const reading = request.text();
    return [await tell(fetch(request)), await reading];
  }],
  ['an ArrayBuffer that changes after the call', async ({ fetch, url, tell }) => {
    const data = bytes(50);
    const promise = fetch(url({ echo: 1 }), { method: 'POST', body: data });
    data.fill(9);
    return tell(promise);
  }],
  ['an ArrayBuffer that is handed over after the call', async ({ fetch, url, tell }) => {
    const { buffer } = bytes(50);
    const promise = fetch(url({ echo: 1 }), { method: 'POST', body: buffer });
    structuredClone(buffer, { transfer: [buffer] });
    return tell(promise);
  }],
  ['an ArrayBuffer that is gone at the call', async ({ fetch, url, tell }) => {
    const { buffer } = bytes(50);
    structuredClone(buffer, { transfer: [buffer] });
    return tell(fetch(url({ echo: 1 }), { method: 'POST', body: buffer }));
  }],
  ...Object.entries({
    'an ArrayBuffer that can grow': () => new ArrayBuffer(8, { maxByteLength: 16 }),
    'a part of an ArrayBuffer that can grow': () => new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 })),
    'an ArrayBuffer that is shared': () => sharedMemory().buffer,
    'a part of an ArrayBuffer that is shared': () => new Uint8Array(sharedMemory().buffer),
    'a part of an ArrayBuffer that is gone at the call': () => {
      const part = bytes(50).subarray(10);
      structuredClone(part.buffer, { transfer: [part.buffer] });
      return part;
    },
  }).map(([name, make]) => [name, body(make)]),
  ['FormData that changes after the call', async ({ fetch, url, tell }) => {
    const data = form();
    const promise = fetch(url({ echo: 1 }), { method: 'POST', body: data });
    data.set('text', 'after');
    data.delete('file');
    return tell(promise);
  }],
  ['URLSearchParams that change after the call', async ({ fetch, url, tell }) => {
    const data = new URLSearchParams('a=before');
    const promise = fetch(url({ echo: 1 }), { method: 'POST', body: data });
    data.set('a', 'after');
    return tell(promise);
  }],
];
