// Answers, aborts, and URLs that are not http.

import { realm } from '../compare.js';
import { outcome, sleep } from '../kit.js';
import { turns } from './arguments.js';

const using = (query, read, init) => async ({ fetch, url, tell }) => tell(fetch(url(query), init), read);
const bytesOf = async (promise) => [...new Uint8Array(await promise)];
const reason = (error) => [error?.name, error?.message ?? String(error)];

export const responses = [
  ...[200, 201, 202, 203, 204, 205, 206, 304, 400, 402, 403, 404, 407, 408, 409, 418, 422, 425, 429, 451, 500, 501, 502, 503, 504, 599].map((status) => [
    `status ${status}`,
    using({ status, text: status === 205 ? '' : 'body' }),
    // Chromium sends these again as often as it sees fit.
    { loose: status === 408 },
  ]),
  ['headers', using({ h: ['X-One: 1', 'x-two: a, b', 'X-One: 2', 'X-Empty: '] })],
  ['cookies are not shown', using({ h: ['X-One: 1'] }, (response) => [response.headers.get('set-cookie'), response.headers.getSetCookie()])],
  ['headers cannot be changed', using({}, (response) => response.headers.set('X-A', '1'))],
  ['HEAD', using({ text: 'body' }, undefined, { method: 'HEAD' })],
  ['JSON', using({ text: '{"a":[1]}' }, (response) => response.json())],
  ['broken JSON', using({ text: '{"a":' }, async (response) => (await outcome(response.json())).error?.name)],
  ['bytes', using({ length: 5 }, (response) => bytesOf(response.arrayBuffer()))],
  ['a Blob', using({ type: 'text/own' }, async (response) => {
    const blob = await response.blob();
    return [blob.type, blob.size];
  })],
  ['FormData', using({ text: 'a=1&b=%20', type: 'application/x-www-form-urlencoded' }, async (response) => [...(await response.formData())])],
  ['a clone', using({}, async (response) => {
    const copy = response.clone();
    return [copy.url === response.url, copy.type, await copy.text(), response.bodyUsed, await response.text()];
  })],
  ['a clone of what is read', using({}, async (response) => {
    await response.text();
    return response.clone();
  })],
  ['reading twice', using({}, async (response) => [await response.text(), reason((await outcome(response.text())).error)])],
  ['reading what is locked', using({}, async (response) => {
    const reader = response.body.getReader();
    const { error } = await outcome(response.text());
    reader.releaseLock();
    return [reason(error), response.bodyUsed, await response.text()];
  })],
  ['the first part comes before the last', using({ text: 'abcdef', chunks: 3, gap: 150 }, async (response) => {
    const reader = response.body.getReader();
    const first = await reader.read();
    let done;
    const end = reader.closed.then(() => (done = true));
    const early = !done;
    const parts = [first.value.length];
    for (let next; !(next = await reader.read()).done; ) parts.push(next.value.length);
    await end;
    return [early, parts];
  })],
  ['parts by iteration', using({ text: 'abcdef', chunks: 2, gap: 50 }, async (response) => {
    if (!response.body[Symbol.asyncIterator]) return 'none';
    let size = 0;
    for await (const part of response.body) size += part.length;
    return size;
  })],
  ['a reader with its own buffer', using({ text: 'abcdef' }, async (response) => {
    const reader = response.body.getReader({ mode: 'byob' });
    return (await reader.read(new Uint8Array(3))).value.length;
  })],
  ['cancelling', using({ text: 'abcdef', chunks: 3, gap: 100 }, async (response) => {
    await response.body.cancel('enough');
    return [response.bodyUsed, reason((await outcome(response.text())).error)];
  }), { loose: true }],
  ['splitting', using({}, async (response) => {
    const [one, two] = response.body.tee();
    return [await new Response(one).text(), await new Response(two).text()];
  })],
  ['five megabytes', using({ length: 5_000_000 }, async (response) => (await response.arrayBuffer()).byteLength)],
  ['an empty body', using({ text: '' }, async (response) => [await response.text(), response.body === null])],
  ['a new Response of it', using({}, (response) => new Response(response.body, response).text())],
  ['its class', using({}, (response) => [Object.prototype.toString.call(response), response.constructor === Response, Reflect.ownKeys(response).length])],
  ['a connection that ends before the answer', using({ drop: 'before' }, undefined, { method: 'POST', body: 'x' }), { loose: true }],
  ['a connection that ends after the headers', using({ drop: 'headers' }), { loose: true }],
  ['a connection that ends in the body', using({ drop: 'body', text: 'abc' }), { loose: true }],
  ['an answer that takes its time', using({ wait: 150 })],
  ['a challenge of somebody else’s', using({ status: 407, h: 'Proxy-Authenticate: Basic realm="x"' }, undefined, { credentials: 'omit' })],
  ['a compressed type that is not', using({ h: 'Content-Encoding: gzip' }), { loose: true }],
  ['a type with a charset', using({ type: 'text/plain; charset=latin1', text: 'grüße' })],
];

/** Aborts at a moment, and tells what the caller got, and when it came in relation to the event of the signal. */
const aborting = (when, { query = { wait: 400 }, init = {}, why = [] } = {}) => async ({ fetch, url, tell }) => {
  const controller = new AbortController();
  const order = [];
  controller.signal.addEventListener('abort', () => order.push('event'));
  const promise = fetch(url(query), { ...init, signal: controller.signal });
  promise.then(
    () => order.push('answer'),
    () => order.push('rejection'),
  );
  const out = tell(promise);
  await when();
  controller.abort(...why);
  order.push('aborted');
  return [await out, order];
};

const aborted = (make) => async ({ fetch, url, tell }) => {
  const promise = fetch(...make(url()));
  return [await turns(promise), await tell(promise)];
};

const mine = { why: 'mine' };
const task = () => new Promise((resolve) => setTimeout(resolve));

export const aborts = [
  ['before the call', aborted((url) => [url, { signal: AbortSignal.abort() }])],
  ['before the call, with a reason', aborted((url) => [url, { signal: AbortSignal.abort('enough') }])],
  ['before the call, the reason itself', async ({ fetch, url }) => (await outcome(fetch(url(), { signal: AbortSignal.abort(mine) }))).error === mine],
  ['before the call, with a body', aborted((url) => [url, { method: 'POST', body: 'x', signal: AbortSignal.abort() }])],
  ['before the call, with Headers', aborted((url) => [url, { headers: new Headers({ 'X-A': '1' }), signal: AbortSignal.abort() }])],
  ['before the call, in a Request', aborted((url) => [new Request(url, { signal: AbortSignal.abort() })])],
  ['before the call, in a Request with a body', aborted((url) => [new Request(url, { method: 'POST', body: 'x', signal: AbortSignal.abort() })])],
  ['before the call, in a clone', aborted((url) => [new Request(url, { signal: AbortSignal.abort() }).clone()])],
  ['before the call, by a signal of another realm', aborted((url) => [url, { signal: realm.AbortSignal.abort('enough') }])],
  ['before the call, and a broken URL', aborted(() => ['http://[bad', { signal: AbortSignal.abort() }])],
  ['before the call, and a wrong method', aborted((url) => [url, { method: 'CONNECT', signal: AbortSignal.abort() }])],
  ['before the call, in a Request whose signal init replaces', async ({ fetch, url, tell }) => tell(fetch(new Request(url(), { signal: AbortSignal.abort() }), { signal: null }))],
  ['before the call, and a used body stays unused', async ({ fetch, url, tell }) => {
    const request = new Request(url(), { method: 'POST', body: 'x', signal: AbortSignal.abort() });
    const out = await tell(fetch(request));
    return [out, request.bodyUsed];
  }],
  ['in the turn of the call', aborting(() => {}), { loose: true }],
  ['in the turn of the call, with a body', aborting(() => {}, { init: { method: 'POST', body: new Blob(['x']) } }), { loose: true }],
  ['a turn later', aborting(async () => {}), { loose: true }],
  ['a task later', aborting(task), { loose: true }],
  ['while the answer is waited for', aborting(() => sleep(100))],
  ['while the answer is waited for, with a reason', aborting(() => sleep(100), { why: [mine] })],
  ['while the answer is waited for, with the reason undefined', aborting(() => sleep(100), { why: [undefined] })],
  ['while it is redirected', aborting(() => sleep(100), { query: { to: '/wire?wait=400' } }), { loose: true }],
  ['after the answer, before its body is read', async ({ fetch, url }) => {
    const controller = new AbortController();
    const response = await fetch(url({ text: 'abcdef', chunks: 3, gap: 200 }), { signal: controller.signal });
    controller.abort();
    return [response.status, reason((await outcome(response.text())).error), response.bodyUsed];
  }, { loose: true }],
  ['while the body is read', async ({ fetch, url }) => {
    const controller = new AbortController();
    const response = await fetch(url({ text: 'abcdef', chunks: 3, gap: 200 }), { signal: controller.signal });
    const reading = outcome(response.text());
    await sleep(50);
    controller.abort();
    return reason((await reading).error);
  }, { loose: true }],
  ['while the body is read by parts, with a reason', async ({ fetch, url }) => {
    const controller = new AbortController();
    const response = await fetch(url({ text: 'abcdef', chunks: 3, gap: 200 }), { signal: controller.signal });
    const reader = response.body.getReader();
    await reader.read();
    controller.abort(mine);
    const { error } = await outcome(reader.read());
    return error === mine || reason(error);
  }, { loose: true }],
  ['after the body is read', async ({ fetch, url }) => {
    const controller = new AbortController();
    const response = await fetch(url(), { signal: controller.signal });
    const text = await response.text();
    controller.abort();
    return [text, response.bodyUsed, response.status];
  }],
  ['of a clone of the answer, too', async ({ fetch, url }) => {
    const controller = new AbortController();
    const response = await fetch(url({ text: 'abcdef', chunks: 3, gap: 200 }), { signal: controller.signal });
    const copy = response.clone();
    controller.abort();
    return [reason((await outcome(copy.text())).error), reason((await outcome(response.text())).error)];
  }, { loose: true }],
  ['by a Request’s own signal', async ({ fetch, url, tell }) => {
    const controller = new AbortController();
    const out = tell(fetch(new Request(url({ wait: 400 }), { signal: controller.signal })));
    await sleep(100);
    controller.abort('enough');
    return out;
  }],
  ['by the signal of init, not that of the Request', async ({ fetch, url, tell }) => {
    const [first, second] = [new AbortController(), new AbortController()];
    const out = tell(fetch(new Request(url({ wait: 300 }), { signal: first.signal }), { signal: second.signal }));
    first.abort('first');
    await sleep(50);
    second.abort('second');
    return out;
  }],
  ['by a timeout', async ({ fetch, url, tell }) => tell(fetch(url({ wait: 400 }), { signal: AbortSignal.timeout(60) }))],
  ['by any of several', async ({ fetch, url, tell }) => {
    const controller = new AbortController();
    const out = tell(fetch(url({ wait: 400 }), { signal: AbortSignal.any([controller.signal, new AbortController().signal]) }));
    await sleep(50);
    controller.abort('enough');
    return out;
  }],
  ['by a signal of another realm', async ({ fetch, url, tell }) => {
    const controller = new realm.AbortController();
    const out = tell(fetch(url({ wait: 400 }), { signal: controller.signal }));
    await sleep(50);
    controller.abort('enough');
    return out;
  }],
  ['of several by one signal', async ({ fetch, url, tell }) => {
    const controller = new AbortController();
    const all = [1, 2, 3].map(() => tell(fetch(url({ wait: 400 }), { signal: controller.signal })));
    await sleep(100);
    controller.abort('enough');
    return Promise.all(all);
  }, { loose: true }],
  ['a signal that never aborts', async ({ fetch, url, tell }) => tell(fetch(url(), { signal: new AbortController().signal }))],
];

export const schemes = [
  ['data', async ({ fetch, tell }) => tell(fetch('data:text/own,a%20b'))],
  ['data in base 64', async ({ fetch, tell }) => tell(fetch('data:;base64,AAEC'), (response) => bytesOf(response.arrayBuffer()))],
  ['data by POST', async ({ fetch, tell }) => tell(fetch('data:,x', { method: 'POST' }))],
  ['data by HEAD', async ({ fetch, tell }) => tell(fetch('data:,x', { method: 'HEAD' }))],
  ['data in the mode same-origin', async ({ fetch, tell }) => tell(fetch('data:,x', { mode: 'same-origin' }))],
  ['broken data', async ({ fetch, tell }) => tell(fetch('data:nothing'))],
  ['a blob', async ({ fetch, tell }) => {
    const url = URL.createObjectURL(new Blob(['blob'], { type: 'text/own' }));
    const out = [await tell(fetch(url)), await tell(fetch(url, { method: 'POST' })), await tell(fetch(url, { headers: { Range: 'bytes=1-2' } }))];
    URL.revokeObjectURL(url);
    return JSON.parse(JSON.stringify(out).replaceAll(url, 'BLOB'));
  }],
  ['a blob that is revoked in the turn of the call', async ({ fetch, tell }) => {
    const url = URL.createObjectURL(new Blob(['blob']));
    const out = tell(fetch(url));
    URL.revokeObjectURL(url);
    return JSON.parse(JSON.stringify(await out).replaceAll(url, 'BLOB'));
  }],
  ['a blob that is gone', async ({ fetch, tell }) => {
    const url = URL.createObjectURL(new Blob(['blob']));
    URL.revokeObjectURL(url);
    return JSON.parse(JSON.stringify(await tell(fetch(url))).replaceAll(url, 'BLOB'));
  }],
  ...['about:blank', 'about:unicorn', 'file:///nowhere', 'ftp://localhost/', 'javascript:alert(1)', 'mailto:a@example.invalid', 'ws://localhost:9/', 'unknown:x', 'blob:nothing', 'filesystem:http://localhost/x', 'view-source:x'].map((url) => [
    url,
    async ({ fetch, tell }) => tell(fetch(url)),
  ]),
];
