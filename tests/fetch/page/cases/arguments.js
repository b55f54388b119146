// What is given to `fetch`, how it is called, and what kind of function it is.

import { failed, realm } from '../compare.js';

/** How many turns of the microtask queue a promise takes to settle, up to a hundred. */
export async function turns(promise) {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  for (let turn = 0; turn < 100; turn++) {
    if (settled) return turn;
    await undefined;
  }
  return 'later';
}

/** What a call without a request comes to, and when. */
const refused = (...args) => async ({ fetch, tell }) => {
  const promise = fetch(...args);
  return [promise instanceof Promise, promise.constructor === Promise, await turns(promise), await tell(promise)];
};

const using = (make) => async ({ fetch, url, tell, key }) => tell(fetch(...make(url, key)));

const on = (that) => async ({ fetch, url, tell }) => {
  const promise = fetch.call(that(), url());
  return [promise instanceof Promise, await turns(promise), await tell(promise)];
};

class Inherited {
  get method() {
    return 'POST';
  }
  get body() {
    return 'from the prototype';
  }
}

export const cases = [
  ['no arguments', refused()],
  ['undefined', async ({ fetch, tell }) => tell(fetch(undefined))],
  ['null', async ({ fetch, tell }) => tell(fetch(null))],
  ['a symbol', refused(Symbol('x'))],
  ['a number', async ({ fetch, tell }) => tell(fetch(5))],
  ['an object without a text', refused(Object.create(null))],
  ['an object whose toString throws', async ({ fetch }) => {
    const mine = new Error('mine');
    const toString = () => {
      throw mine;
    };
    return fetch({ toString }).catch((error) => error === mine);
  }],
  ['an object whose toString is a URL', using((url) => [{ toString: () => url() }])],
  ['a String object', using((url) => [new String(url())])],
  ['a URL object', using((url) => [new URL(url())])],
  ['a URL of another realm', using((url) => [new realm.URL(url())])],
  ['an anchor', using((url) => [Object.assign(document.createElement('a'), { href: url() })])],
  ['a path', using((url) => [new URL(url()).pathname + new URL(url()).search])],
  ['a relative path', using((_, key) => [`../wire?k=${key}`])],
  ['a URL with spaces and a line break', using((url) => [`  ${url().replace('wire', 'wi\nre')} `])],
  ['a URL without a scheme', using((url) => [url().replace('http:', '')])],
  ['a URL in upper case', using((url) => [url().replace('http://', 'HTTP://')])],
  ['letters beyond ASCII', using((url) => [url({ text: 'grüße' }).replace('wire?', 'wire/ä?ü&')])],
  ['a fragment', using((url) => [`${url()}#part`])],
  ['a broken URL', refused('http://[bad')],
  ['user and password in the URL', refused('http://user:pass@localhost/')],
  ['a bad port', async ({ fetch, tell }) => tell(fetch('http://localhost:6667/'))],
  ['a port that nobody listens on', async ({ fetch, tell }) => tell(fetch('http://127.0.0.1:9/'))],
  ['init null', using((url) => [url(), null])],
  ['init undefined', using((url) => [url(), undefined])],
  ['init a number', refused('/wire', 5)],
  ['init a text', refused('/wire', 'POST')],
  ['init a function', using((url) => [url(), Object.assign(() => {}, { method: 'PUT' })])],
  ['init an array', using((url) => [url(), Object.assign([], { method: 'PUT' })])],
  ['init an instance of a class', using((url) => [url({ echo: 1 }), new Inherited()])],
  ['init without a prototype', using((url) => [url(), Object.assign(Object.create(null), { method: 'PUT', body: 'x' })])],
  ['init with members that nobody knows', using((url) => [url(), { color: 'blue', [Symbol('x')]: 1 }])],
  ['init of undefined members', using((url) => [url(), { method: undefined, body: undefined, headers: undefined, signal: undefined }])],
  ['init as a Request', using((url) => [url(), new Request(url(), { method: 'PUT', headers: { 'X-A': '1' }, credentials: 'omit' })])],
  ['init as a Response', using((url) => [url(), new Response('x', { headers: { 'X-A': '1' } })])],
  ['a getter that throws', async ({ fetch, url }) => {
    const mine = new Error('mine');
    const init = {
      get method() {
        throw mine;
      },
    };
    return fetch(url(), init).catch((error) => error === mine);
  }],
  ['members of init are read once, in their order', async ({ fetch, url, tell }) => {
    const read = [];
    const init = new Proxy({ method: 'POST', body: 'x', cache: 'no-store' }, { get: (target, name) => (read.push(name), target[name]) });
    const out = await tell(fetch(url({ echo: 1 }), init));
    return [out, new Set(read.filter((name) => typeof name === 'string' && name in { method: 1, body: 1, cache: 1 })).size];
  }],
  ['a third argument', using((url) => [url(), {}, { method: 'PUT' }])],
  ['a Request', using((url) => [new Request(url())])],
  ['a Request with everything', using((url) => [new Request(url({ echo: 1 }), { method: 'PUT', body: 'x', headers: { 'X-A': '1' }, referrer: '/somewhere', cache: 'no-cache', redirect: 'error' })])],
  ['a Request and init', using((url) => [new Request(url(), { headers: { 'X-A': '1' } }), { method: 'POST', body: 'x', headers: { 'X-B': '2' } }])],
  ['a Request and empty init', using((url) => [new Request(url(), { method: 'POST', body: 'x', headers: { 'X-A': '1' } }), {}])],
  ['a Request of another realm', using((url) => [new realm.Request(url(), { method: 'POST', body: 'x' })])],
  ['a subclass of Request', using((url) => [new (class extends Request {})(url(), { method: 'PUT' })])],
  ['a Request with a spoilt tag', using((url) => [Object.defineProperty(new Request(url(), { method: 'PUT' }), Symbol.toStringTag, { value: 'Odd' })])],
  ['something tagged as a Request', using((url) => [{ [Symbol.toStringTag]: 'Request', url: '/nowhere', toString: () => url() }])],
  ['a used Request', async ({ fetch, url, tell }) => {
    const request = new Request(url(), { method: 'POST', body: 'x' });
    await request.text();
    const promise = fetch(request);
    return [await turns(promise), await tell(promise)];
  }],
  ['a Request twice', async ({ fetch, url, tell }) => {
    const request = new Request(url(), { method: 'POST', body: 'x' });
    return [await tell(fetch(request)), request.bodyUsed, await tell(fetch(request))];
  }],
  ['a Request without a body twice', async ({ fetch, url, tell }) => {
    const request = new Request(url());
    return [await tell(fetch(request)), request.bodyUsed, await tell(fetch(request))];
  }],
  ['the Request is used up in the same turn', async ({ fetch, url, tell }) => {
    const request = new Request(url(), { method: 'POST', body: 'x' });
    const promise = fetch(request);
    const used = request.bodyUsed;
    return [used, await tell(promise), [...request.headers]];
  }],
  ['a clone of a Request', using((url) => [new Request(url(), { method: 'POST', body: 'x' }).clone()])],
  ['a URL object that changes after the call', async ({ fetch, url, tell }) => {
    const given = new URL(url({ text: 'before' }));
    const promise = fetch(given);
    given.searchParams.set('text', 'after');
    return tell(promise);
  }],
  ['init that changes after the call', async ({ fetch, url, tell }) => {
    const init = { method: 'POST', headers: { 'X-A': 'before' }, body: 'before' };
    const promise = fetch(url({ echo: 1 }), init);
    Object.assign(init, { method: 'PUT', body: 'after' }).headers['X-A'] = 'after';
    return tell(promise);
  }],
  ['Headers that change after the call', async ({ fetch, url, tell }) => {
    const headers = new Headers({ 'X-A': 'before' });
    const promise = fetch(url(), { headers });
    headers.set('X-A', 'after');
    headers.set('X-B', 'new');
    return [await tell(promise), [...headers]];
  }],
  ['pairs that change after the call', async ({ fetch, url, tell }) => {
    const headers = [['X-A', 'before']];
    const promise = fetch(url(), { headers });
    headers[0][1] = 'after';
    headers.push(['X-B', 'new']);
    return tell(promise);
  }],
  ['what is given is not changed', async ({ fetch, url, tell }) => {
    const headers = Object.freeze({ 'X-A': '1' });
    const init = Object.freeze({ method: 'POST', headers, body: 'x' });
    return [await tell(fetch(url(), init)), init, headers];
  }],
  ['on undefined', on(() => undefined)],
  ['on null', on(() => null)],
  ['on the global object', on(() => globalThis)],
  ['on an object', on(() => ({}))],
  ['on a heir of the global object', on(() => Object.create(globalThis))],
  ['on a number', on(() => 5)],
  ['by apply', async ({ fetch, url, tell }) => tell(fetch.apply(undefined, [url(), { method: 'PUT' }]))],
  ['by Reflect', async ({ fetch, url, tell }) => tell(Reflect.apply(fetch, undefined, [url()]))],
  ['bound', async ({ fetch, url, tell }) => tell(fetch.bind(globalThis, url(), { method: 'PUT' })())],
  ['as a constructor', async ({ fetch }) => {
    try {
      return new fetch('/wire');
    } catch (error) {
      return failed({ ...failed(error), constructor: error.constructor, message: '' });
    }
  }],
  ['its properties', async ({ fetch }) => [
    typeof fetch,
    fetch.length,
    fetch.name,
    Object.hasOwn(fetch, 'prototype'),
    Object.getPrototypeOf(fetch) === Function.prototype,
    Object.getOwnPropertyNames(fetch).sort(),
    Object.getOwnPropertyDescriptor(fetch, 'length'),
    Object.getOwnPropertyDescriptor(fetch, 'name'),
  ]],
];
