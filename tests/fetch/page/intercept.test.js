// Taking `fetch` over, next to others who do so, in every order, and in every kind of scope.

import { realm } from './compare.js';
import { after, equal, login, make, native, ok, refreshes, refuse, seen, signedIn, test, tokenOf, track, unique, until, wire } from './kit.js';

/** What MSW does: takes over, works with a `Request`, and puts back what it found, whatever is there by then. */
function likeMsw() {
  const found = window.fetch;
  window.fetch = async (input, init) => {
    const request = new Request(input, init);
    await undefined;
    return found(request);
  };
  return () => (window.fetch = found);
}

/** What Sentry does: wraps, hears of the answer, and hands it on; it is taken out only where it is on top. */
function likeSentry() {
  const found = window.fetch;
  const wrapped = function (...args) {
    return found.apply(window, args).then(
      (response) => response,
      (error) => {
        throw error;
      },
    );
  };
  window.fetch = wrapped;
  return () => window.fetch === wrapped && (window.fetch = found);
}

const orders = (list) => (list.length < 2 ? [list] : list.flatMap((one) => orders(list.filter((other) => other !== one)).map((rest) => [one, ...rest])));

/** Whether a call carries the token, which must not be there twice, and is answered at all. */
async function carries() {
  const k = unique();
  const response = await track('a call through all layers', window.fetch(wire({ k, echo: 1 }), { method: 'POST', body: 'x' }));
  equal([response.status, await response.text()], [200, 'POST']);
  const sent = await seen(k);
  equal(sent.length, 1);
  ok(!/,/.test(sent[0].headers.authorization ?? ''), 'one token');
  return Boolean(tokenOf(sent[0]));
}

test('next to MSW and Sentry, put in and taken out in every order', async () => {
  const auth = await signedIn();
  const layers = { ours: () => auth.intercept(), msw: likeMsw, sentry: likeSentry };
  for (const [into, out] of orders(Object.keys(layers)).flatMap((into) => orders(Object.keys(layers)).map((out) => [into, out]))) {
    const undo = {};
    for (const name of into) {
      undo[name] = layers[name]();
      equal(await carries(), 'ours' in undo, `${into}: ${name} in:`);
    }
    for (const name of out) {
      undo[name]();
      const carried = await carries();
      if (name === 'ours') delete undo.ours;
      // (MSW may have thrown us out, too: then there is nothing left to carry it.)
      if (!('ours' in undo)) equal(carried, false, `${into} in, ${out} out: after ${name}:`);
    }
    window.fetch = native;
  }
});

test('two managers with another between them leave nothing that carries a token, in every order', async () => {
  const auths = [await signedIn(), await signedIn()];
  for (const out of orders([0, 1, 2])) {
    const undo = [auths[0].intercept(), likeSentry(), auths[1].intercept()];
    equal(await carries(), true);
    for (const at of out) undo[at]();
    equal(await carries(), false, out);
    // From top to bottom nothing is left of anybody.
    if (out.join() === '2,1,0') equal(window.fetch === native, true);
    window.fetch = native;
  }
});

test('a second call on the same target changes nothing, and an undo undoes once', async () => {
  const auth = await signedIn();
  const undo = auth.intercept();
  const mine = window.fetch;
  equal(auth.intercept() === undo && window.fetch === mine, true);
  undo();
  undo();
  equal(window.fetch === native, true);
  auth.intercept();
  equal(await carries(), true);
  auth.dispose();
  equal(window.fetch === native, true);
});

test('fetch is the same kind of property as before', async () => {
  const kind = () => {
    const { enumerable, writable, configurable } = Object.getOwnPropertyDescriptor(window, 'fetch');
    return { enumerable, writable, configurable, at: Object.keys(window).indexOf('fetch') };
  };
  const auth = await signedIn();
  const before = kind();
  const undo = auth.intercept();
  equal(kind(), before);
  undo();
  equal(kind(), before);
});

test('dispose undoes what was intercepted', async () => {
  const auth = await signedIn();
  auth.intercept();
  auth.dispose();
  equal(window.fetch === native, true);
});

test('the token request, what is marked auth: omit, and XMLHttpRequest are left alone', async () => {
  const auth = await signedIn();
  const passed = [];
  const { open, send, setRequestHeader } = XMLHttpRequest.prototype;
  after(auth.intercept());
  const lower = window.fetch;
  window.fetch = (...args) => (passed.push(String(args[0])), lower(...args));
  const [k, bare] = [unique(), unique()];
  await auth.refresh({ force: true });
  await window.fetch(wire({ k: bare }), { auth: 'omit' });
  await auth.fetch(wire({ k: bare }), { auth: 'omit' });
  await window.fetch(wire({ k }));
  window.fetch = lower;
  const request = new XMLHttpRequest();
  request.open('GET', wire({ k: bare }));
  await new Promise((resolve) => {
    request.onloadend = resolve;
    request.send();
  });
  equal((await seen(bare)).map(tokenOf), [undefined, undefined, undefined]);
  ok(tokenOf((await seen(k))[0]), 'a token on the plain one');
  equal(passed.some((url) => url.includes('/auth/refresh')), false, 'the token request seen by others:');
  equal([XMLHttpRequest.prototype.open === open, XMLHttpRequest.prototype.send === send, XMLHttpRequest.prototype.setRequestHeader === setRequestHeader], [true, true, true]);
});

test('the mark auth: omit is lost in a wrapper that makes a Request of the call', async () => {
  const auth = await signedIn({ exclude: ['/wire/out'] });
  after(auth.intercept());
  const undo = likeMsw();
  const k = unique();
  await window.fetch(wire({ k }), { auth: 'omit' });
  await window.fetch(wire({ k }).replace('wire', 'wire/out'));
  undo();
  equal((await seen(k)).map((one) => Boolean(tokenOf(one))), [true, false]);
});

test('a wrapper of the page’s fetch that calls ours in the turn in which a request passes through it', async () => {
  const auth = await signedIn();
  after(auth.intercept());
  const lower = window.fetch;
  after(() => (window.fetch = lower));
  const [k, own] = [unique(), unique()];
  const inner = [];
  window.fetch = (input, init) => {
    if (String(input).includes(k)) inner.push(auth.fetch(wire({ k: own, guard: 1 })), auth.fetch(wire({ k: own, guard: 1 }), { headers: new Headers() }));
    return lower(input, init);
  };
  await auth.fetch(wire({ k, guard: 1 }));
  await window.fetch(wire({ k, guard: 1 }), { headers: new Headers() });
  equal((await Promise.all(inner)).map(({ status }) => status), [200, 200, 200, 200]);
  equal((await seen(k)).map(({ status, headers }) => [status, headers.authorization.includes(',')]), [[200, false], [200, false]]);
  // And each is sent again once.
  await refuse(auth);
  inner.length = 0;
  equal((await auth.fetch(wire({ k, guard: 1 }))).status, 200);
  await Promise.all(inner);
  equal((await seen(k)).slice(2).map(({ status }) => status), [401, 200]);
  equal(await refreshes(), 1);
});

test('fetch of another window, and as a method of it', async () => {
  const auth = await signedIn();
  const { fetch } = realm;
  const undo = auth.intercept(realm);
  const k = unique();
  await realm.fetch(wire({ k }));
  await realm.fetch.call(undefined, wire({ k }));
  equal((await seen(k)).filter(tokenOf).length, 2);
  undo();
  equal(realm.fetch === fetch, true);
});

test('fetch that was taken out of its manager, and of its window', async () => {
  const auth = make();
  await auth.setTokens(await login());
  const k = unique();
  const { fetch } = auth;
  await fetch(wire({ k }));
  after(auth.intercept());
  const { fetch: loose } = window;
  await loose(wire({ k }));
  equal((await seen(k)).filter(tokenOf).length, 2);
});

/** Asks a worker to use `fetch` of its own scope, plain and intercepted. */
async function inWorker(port, send) {
  const k = unique();
  const answer = new Promise((resolve) => (port.onmessage = ({ data }) => resolve(data)));
  send({ k, tokens: await login(), url: wire({ guard: 1, k }) });
  const { error, steps } = await answer;
  equal([error, steps], [undefined, [['bare', 401], ['ours', 200], ['undone', 401], ['native', true]]]);
  equal((await seen(k)).map((one) => Boolean(tokenOf(one))), [false, true, false]);
}

test('in a worker', async () => {
  const worker = new Worker('/fetch/worker.js', { type: 'module' });
  after(() => worker.terminate());
  await inWorker(worker, (message) => worker.postMessage(message));
});

test('in a service worker, whose own fetch events are answered', async () => {
  const registration = await navigator.serviceWorker.register('/fetch/service-worker.js', { type: 'module', scope: '/fetch/scope/' });
  try {
    await until(() => registration.active?.state === 'activated', 'the service worker to be active');
    const { port1, port2 } = new MessageChannel();
    await inWorker(port1, (message) => registration.active.postMessage(message, [port2]));
    const k = unique();
    const frame = document.createElement('iframe');
    frame.src = `/fetch/scope/page.html?k=${k}`;
    document.body.append(frame);
    await new Promise((resolve) => (frame.onload = resolve));
    ok(frame.contentWindow.navigator.serviceWorker.controller, 'a page that the worker controls');
    const response = await frame.contentWindow.fetch(wire({ guard: 1, k }), { method: 'POST', body: 'x' });
    frame.remove();
    equal(response.status, 200);
    const sent = await seen(k);
    ok(tokenOf(sent.at(-1)), 'the token on the request of the page');
  } finally {
    await registration.unregister();
  }
});
