// What is sent again is what was given at the call, byte for byte; what cannot be sent again goes out once.

import { realm } from './compare.js';
import { collectGarbage, collects, equal, harness, native, ok, origins, outcome, pass, refreshes, seen, shapeOf, signedIn, sleep, test, tokenOf, unique, until, wire, withExpired, withRefused } from './kit.js';

const bytes = (length) => new Uint8Array(length).map((_, at) => at * 7);
const form = (from = globalThis) => {
  const data = new from.FormData();
  data.append('text', 'grüße\n2');
  data.append('file', new from.File([bytes(3000)], 'ä".bin', { type: 'application/x-own' }));
  return data;
};

const KINDS = {
  'a text': () => 'grüße',
  'an empty text': () => '',
  JSON: () => JSON.stringify({ a: [1, 'ä'] }),
  URLSearchParams: () => new URLSearchParams({ q: 'ä&b' }),
  FormData: form,
  'FormData of another realm': () => form(realm),
  'a Blob': () => new Blob([bytes(300_000)], { type: 'text/own' }),
  'a File': () => new File(['content'], 'a.txt'),
  'an ArrayBuffer': () => bytes(300_000).buffer,
  'a part of a typed array': () => bytes(3000).subarray(3, 300),
  'a DataView': () => new DataView(bytes(300).buffer, 5, 10),
  nothing: () => undefined,
};
const FORMS = {
  'in init': (url, body) => [url, { method: 'POST', body }],
  'in init, with Headers': (url, body) => [url, { method: 'POST', body, headers: new Headers({ 'X-Own': '1' }) }],
  'in a Request': (url, body) => [new Request(url, { method: 'POST', body, headers: { 'X-Own': '1' } })],
  'in init over a Request': (url, body) => [new Request(url, { method: 'POST', body: 'of the request' }), { method: 'PUT', body }],
  'in init, by DELETE': (url, body) => [url, { method: 'DELETE', body }],
  // (Without a body of its own that is a mistake.)
  'in init over a used Request': (url, body) => [used(url), { method: 'PUT', body: body ?? 'x' }],
  'in a Request, with an empty init': (url, body) => [new Request(url, { method: 'PATCH', body }), {}],
};

/** A Request whose body has been read. */
function used(url) {
  const request = new Request(url, { method: 'POST', body: 'of the request' });
  void request.text();
  return request;
}

/** A request as it was, without what is drawn at random for each. */
function plain(request) {
  const { headers, body, ...rest } = shapeOf(request);
  const boundary = /^--(\S+?)(--)?\r\n/.exec(body.text)?.[1];
  if (!boundary) return { ...rest, body, headers: headers.join() };
  const lines = headers.join().replaceAll(boundary, '').replace(/content-length: \d+/i, '');
  return { ...rest, headers: lines, text: body.text.replaceAll(boundary, '') };
}

for (const [kind, make] of Object.entries(KINDS)) {
  test(`sent again as it was: ${kind}`, async () => {
    const auth = await withRefused();
    const k = unique();
    const urls = Object.keys(FORMS).map((_, n) => wire({ guard: 1, k, n }));
    const calls = Object.values(FORMS).map((args, n) => auth.fetch(...args(urls[n], make())));
    equal((await Promise.all(calls)).map(({ status }) => status), calls.map(() => 200));
    equal(await refreshes(), 1);
    for (const [n, [name, args]] of Object.entries(FORMS).entries()) {
      const [first, second, ...more] = await seen(`&k=${k}&n=${n}`);
      equal(more, []);
      equal(plain(second), plain(first), name);
      // And both are what the native one sends.
      await native(...args(`${urls[n]}&native`, make()));
      const [expected] = await seen(`&k=${k}&n=${n}&native`);
      equal({ ...plain(first), url: '' }, { ...plain(expected), url: '' }, name);
    }
  });
}

test('what changes after the call changes nothing, neither at first nor again', async () => {
  for (const make of [withExpired, withRefused]) {
    const auth = await make();
    const k = unique();
    const url = (n) => wire({ guard: 1, k, n });
    const buffer = bytes(50);
    const { buffer: handed } = bytes(50);
    const data = new FormData();
    data.set('a', 'before');
    const params = new URLSearchParams('a=before');
    const headers = new Headers({ 'X-Own': 'before' });
    const init = { method: 'PUT', body: 'before', headers: { 'X-Own': 'before' } };
    const at = new URL(url('url'));
    const request = new Request(url('request'), { method: 'POST', body: 'before', headers: { 'X-Own': 'before' } });
    const pairs = [['X-Own', 'before']];
    const view = new DataView(bytes(60).buffer, 10);
    const calls = [
      auth.fetch(url('buffer'), { method: 'POST', body: buffer }),
      auth.fetch(url('handed'), { method: 'POST', body: handed }),
      auth.fetch(url('data'), { method: 'POST', body: data }),
      auth.fetch(url('params'), { method: 'POST', body: params }),
      auth.fetch(url('headers'), { headers }),
      auth.fetch(url('init'), init),
      auth.fetch(at),
      auth.fetch(request),
      auth.fetch(url('pairs'), { headers: pairs }),
      auth.fetch(url('view'), { method: 'POST', body: view }),
    ];
    buffer.fill(9);
    structuredClone(handed, { transfer: [handed] });
    data.set('a', 'after');
    params.set('a', 'after');
    headers.set('X-Own', 'after');
    Object.assign(init, { method: 'DELETE', body: 'after' }).headers['X-Own'] = 'after';
    at.pathname = '/elsewhere';
    request.headers.set('X-Own', 'after');
    pairs[0][1] = 'after';
    view.setUint8(0, 9);
    equal((await Promise.all(calls)).map(({ status }) => status), calls.map(() => 200));
    const sent = await seen(k);
    equal(sent.length, calls.length * (make === withRefused ? 2 : 1));
    for (const request of sent) {
      const { body, url: to, rawHeaders, method } = request;
      ok(!`${body.text} ${rawHeaders}`.includes('after') && method !== 'DELETE', `nothing of the change in ${to}`);
      if (to.includes('view')) equal(body.text.charCodeAt(0), 70, to);
      if (/buffer|handed/.test(to)) equal([...body.text].map((letter) => letter.charCodeAt()), [...bytes(50)], to);
    }
  }
});

test('a Request is used up once, and as soon as natively', async () => {
  const auth = await withRefused();
  const request = new Request(wire({ guard: 1 }), { method: 'POST', body: 'x' });
  const promise = auth.fetch(request);
  equal(request.bodyUsed, true);
  equal((await promise).status, 200);
  equal((await outcome(auth.fetch(request))).error.name, 'TypeError');
});

const NO_STREAMS = 'it does not send streams';
const lacks = { firefox: NO_STREAMS, webkit: NO_STREAMS };
const streaming = (parts) => {
  const body = new ReadableStream({ start: (to) => (parts.forEach((part) => to.enqueue(new TextEncoder().encode(part))), to.close()) });
  return { method: 'POST', body, duplex: 'half' };
};

test('a stream goes out as natively: once, and not over HTTP/1.1', { lacks }, async () => {
  const auth = await signedIn();
  const k = unique();
  const [ours, theirs] = [await outcome(auth.fetch(wire({ k }), streaming(['a', 'b']))), await outcome(native(wire(), streaming(['a', 'b'])))];
  equal([ours.error.name, ours.error.message], [theirs.error.name, theirs.error.message]);
  equal([(await seen(k)).length, await refreshes()], [0, 0]);
});

/** A stream may be given in init, or be part of a Request by now. */
const STREAMING = {
  'in init': (url) => [url, streaming(['a', 'b'])],
  'in a Request': (url) => [new Request(url, streaming(['a', 'b']))],
  'in a Request, with an init': (url) => [new Request(url, streaming(['a', 'b'])), { headers: { 'X-Own': '1' } }],
  'in init over a Request': (url) => [new Request(url, { method: 'POST', body: 'x' }), streaming(['a', 'b'])],
};

const overHttp2 = { attachTo: [origins.secure] };
/** Sends a stream over HTTP/2: what came of it, and what was on the wire. */
async function stream(auth, args) {
  const k = unique();
  const response = await auth.fetch(...args(wire({ k, guard: 1 }, 'secure')));
  const sent = (await seen(k)).filter(({ method }) => method === 'POST');
  equal(sent.map(({ httpVersion, body }) => [httpVersion, body.text]), [['2.0', 'ab']]);
  return { status: response.status, text: await response.text(), token: tokenOf(sent[0]) };
}

for (const [how, args] of Object.entries(STREAMING)) {
  test(`a stream ${how} goes out once, with the token`, { lacks }, async () => {
    const auth = await signedIn(overHttp2);
    equal(await stream(auth, args), { status: 200, text: 'text', token: auth.peek().accessToken });
    equal(await refreshes(), 0);
  });

  test(`a stream ${how} that draws a 401 is not sent again: the 401 is the caller’s`, { lacks }, async () => {
    const auth = await withRefused(overHttp2);
    equal(await stream(auth, args), { status: 401, text: 'refused', token: auth.peek().accessToken });
    equal(await refreshes(), 0);
  });

  test(`before a stream ${how} goes out, its token has a minute left`, { lacks }, async () => {
    const auth = await signedIn({ ...overHttp2, lead: 0, margin: 0 }, { access_ttl: 100 });
    const { accessToken } = auth.peek();
    pass(45_000);
    const { status, token } = await stream(auth, args);
    equal([status, token === accessToken, token === auth.peek().accessToken, await refreshes()], [200, false, true, 1]);
  });
}

const SIZE = 64 << 20;
const SLACK = 24 << 20;

test('of a body of 64 MB no second copy is held once the answer is no 401', async ({ note }) => {
  if (!collects) return note('a body of 64 MB: this is for a browser of its own, which collects garbage');
  const before = await harness('memory');
  if (before === undefined) return note('memory is measured on Linux only');
  const auth = await signedIn();
  const body = new Uint8Array(SIZE).fill(7);
  const held = {};
  let most = Infinity;
  const send = async (way, fetch, args) => {
    const k = unique();
    // The answer stays under way while memory is looked at. (WebKit tells of it when it has seen half a kilobyte.)
    const response = await fetch(...args(wire({ k, length: 4096, chunks: 2, gap: 90_000 })));
    equal(response.status, 200);
    await until(async () => (held[way] = await least()) < most, `${way} to hold no more than native`);
    await response.body.cancel();
    const [{ body: sent, ...request }] = await seen(k);
    equal([sent.size, Boolean(tokenOf(request))], [SIZE, fetch !== native]);
  };
  const inInit = (url) => [url, { method: 'POST', body }];
  const inRequest = (url) => [new Request(url, { method: 'POST', body })];
  // Chromium holds more at the first time. Firefox keeps some of what went up lately, whoever sent it: it holds more from
  // one to the next, until it does not.
  const both = async (who, fetch) => {
    await send(`${who}, in init`, fetch, inInit);
    await send(`${who}, in a Request`, fetch, inRequest);
  };
  for (let times = 3; times > 0; times--) await both('native', native);
  most = Math.max(...Object.values(held)) + SLACK;
  // (Twice, for what is held would add up.)
  for (let times = 2; times > 0; times--) await both('ours', auth.fetch);
  const mb = ([way, size]) => `${way} ${((size - before) / (1 << 20)).toFixed(0)} MB`;
  note(`a body of 64 MB holds, itself included: ${Object.entries(held).map(mb).join(', ')}`);
});

/** Memory, the least of some looks. */
async function least() {
  let found = Infinity;
  for (let n = 0; n < 4; n++) {
    collectGarbage();
    await sleep(200);
    found = Math.min(found, await harness('memory'));
  }
  return found;
}
