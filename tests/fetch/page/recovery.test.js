// A 401 is recovered from with one refresh and one more send, or goes to the caller as it came.

import {
  caught,
  equal,
  fault,
  make,
  native,
  ok,
  outcome,
  pass,
  refreshes,
  refuse,
  seen,
  shapeOf,
  signedIn,
  test,
  tokenOf,
  unique,
  until,
  wire,
  withRefused,
} from './kit.js';

const guarded = (query, origin) => wire({ guard: 1, ...query }, origin);

test('a 401 costs one refresh and one more send, the same but for the token', async () => {
  const auth = await withRefused();
  const k = unique();
  const init = {
    method: 'PUT',
    headers: { 'X-Mixed-CASE': 'a  b', accept: 'text/own' },
    body: 'grüße',
    cache: 'no-cache',
    credentials: 'include',
    referrer: '/somewhere',
    referrerPolicy: 'same-origin',
    keepalive: true,
  };
  const response = await auth.fetch(guarded({ k, echo: 1 }), init);
  equal([response.status, await response.text()], [200, 'PUT']);
  const [first, second, ...more] = await seen(k);
  equal(more, []);
  equal(shapeOf(second), shapeOf(first));
  ok(first.rawHeaders.includes('X-Mixed-CASE'), 'the spelling of the header');
  ok(tokenOf(first) !== tokenOf(second) && tokenOf(second) === auth.peek().accessToken, 'the new token');
  equal(await refreshes(), 1);
});

test('every member of init counts for the second send, too', async () => {
  const plainly = (url, init) => [url, init];
  const exactly = (url, init) => [url, { ...init, headers: new Headers() }];
  const inRequest = (url, init) => [new Request(url, init)];
  for (const [how, args] of Object.entries({ plainly, exactly, inRequest })) {
    const auth = await withRefused();
    const send = async (query, members) => {
      const k = unique();
      const { error, value } = await outcome(auth.fetch(...args(guarded({ k, ...query }), { method: 'PUT', body: 'x', ...members })));
      const [first, second, ...more] = await seen(k);
      equal([first.status, more], [401, []], how);
      equal(shapeOf(second), shapeOf(first), how);
      await refuse(auth);
      return error?.name ?? value.type;
    };
    equal(await send({ to: wire() }, { redirect: 'manual' }), 'opaqueredirect', how);
    equal(await send({ to: wire() }, { redirect: 'error' }), 'TypeError', how);
    equal(await send({}, { mode: 'same-origin', credentials: 'omit', priority: 'low', referrer: '' }), 'basic', how);
  }
});

test('keepalive: the first request does not count against the second', async () => {
  const auth = await withRefused();
  // Together they would be more than the 64 KiB that a page may have under way.
  const init = { method: 'POST', body: 'x'.repeat(40_000), keepalive: true };
  for (const args of [[guarded(), init], [new Request(guarded(), init)]]) {
    const response = await auth.fetch(...args);
    equal([response.status, await response.text()], [200, 'text']);
    await refuse(auth);
  }
});

test('a caller’s own Authorization, in any spelling: its 401 is no reason to refresh', async () => {
  const auth = await signedIn();
  pass(3000);
  const own = 'Bearer of-the-caller';
  for (const name of ['Authorization', 'authorization', 'AUTHORIZATION']) {
    const pairs = [[name, own]];
    const iterated = { *[Symbol.iterator]() { yield* pairs; } };
    for (const headers of [{ [name]: own }, pairs, new Headers(pairs), new Map(pairs), iterated]) {
      const k = unique();
      equal((await auth.fetch(guarded({ k }), { headers, credentials: 'omit' })).status, 401);
      equal((await auth.fetch(new Request(guarded({ k }), { headers }), { credentials: 'omit' })).status, 401);
      equal((await seen(k)).map((one) => one.headers.authorization), [own, own]);
    }
  }
  equal(await refreshes(), 0);
});

test('twenty requests at once over HTTP/1.1 share one refresh', async () => {
  const auth = await withRefused();
  const k = unique();
  const statuses = await Promise.all(Array.from({ length: 20 }, async (_, n) => (await auth.fetch(guarded({ k, n }))).status));
  equal(statuses, Array(20).fill(200));
  equal(await refreshes(), 1);
  const sent = await seen(k);
  equal(sent.length - sent.filter(({ status }) => status === 401).length, 20, 'answers that were good:');
  ok(sent.length <= 40, 'two sends for each at most');
});

test('401s that come after the refresh are of the old token: sent again, without another refresh', async () => {
  const auth = await withRefused();
  const k = unique();
  const late = Array.from({ length: 3 }, (_, n) => auth.fetch(guarded({ k, n, wait: 600 })));
  await until(async () => (await seen(k)).length === 3);
  equal((await auth.fetch(guarded({ early: 1 }))).status, 200);
  equal(await refreshes(), 1);
  equal((await Promise.all(late)).map(({ status }) => status), [200, 200, 200]);
  equal([await refreshes(), (await seen(k)).length], [1, 6]);
});

test('a second 401 goes to the caller, unread', async () => {
  const auth = await withRefused();
  const k = unique();
  const response = await auth.fetch(wire({ k, status: 401, text: 'never' }));
  equal([response.status, response.bodyUsed, await response.text()], [401, false, 'never']);
  equal([(await seen(k)).length, await refreshes()], [2, 1]);
});

test('refreshes that do not help become rare', async () => {
  const auth = await signedIn();
  for (let n = 0; n < 30; n++) {
    pass(3000);
    await auth.fetch(wire({ status: 401 }));
  }
  // A pause of 5 s that doubles: in 90 s, four of them.
  const count = await refreshes();
  ok(count >= 2 && count <= 6, `two to six refreshes, not ${count}`);
});

test('after a refresh that helps the pauses begin anew', async () => {
  for (const send of [(auth) => auth.fetch(guarded()), (auth) => auth.fetch(guarded(), { headers: new Headers() }), run]) {
    const auth = await signedIn();
    for (let n = 0; n < 8; n++) {
      pass(3000);
      await auth.fetch(wire({ status: 401 }));
    }
    pass(300_000);
    await refuse(auth);
    equal((await send(auth)).status, 200);
    // The next that does not help is the first again: five seconds.
    pass(3000);
    await auth.fetch(wire({ status: 401 }));
    pass(6000);
    await refuse(auth);
    equal((await send(auth)).status, 200, 'the pause begins anew:');
  }
  function run(auth) {
    return auth.run((token) => native(guarded(), { headers: { Authorization: `Bearer ${token}` } }));
  }
});

test('when the refresh fails, the caller gets the first 401, unread, and the reason comes as an event', async () => {
  const auth = await withRefused({ retries: 0 });
  await fault({ path: '/auth/refresh', status: 503 });
  const k = unique();
  const response = await auth.fetch(guarded({ k }), { method: 'POST', body: 'x' });
  equal([response.status, response.bodyUsed, await response.text()], [401, false, 'refused']);
  await until(() => auth.events.some(({ type }) => type === 'refreshFailed'));
  const { error } = auth.events.find(({ type }) => type === 'refreshFailed');
  equal([error.code, error.status], ['refresh_unavailable', 503]);
  equal([(await seen(k)).length, auth.state], [1, 'active']);
});

test('when the refresh is refused, the caller gets the first 401', async () => {
  const auth = await withRefused();
  await fault({ path: '/auth/refresh', status: 400, body: { error: 'invalid_grant' } });
  const response = await auth.fetch(guarded());
  equal([response.status, await response.text()], [401, 'refused']);
});

test('the answer to the second send is the caller’s, whatever it is', async () => {
  const auth = await withRefused();
  const response = await auth.fetch(guarded({ status: 500, text: 'broken' }));
  equal([response.status, await response.text(), await refreshes()], [500, 'broken', 1]);
});

test('other statuses are the caller’s', async () => {
  const auth = await signedIn();
  pass(3000);
  for (const status of [400, 403, 404, 419, 422, 429, 500, 503]) {
    equal((await auth.fetch(wire({ status }), { credentials: 'omit' })).status, status);
  }
  equal(await refreshes(), 0);
});

test('a challenge for more scope is no reason to refresh, wherever it stands in the list', async () => {
  const auth = await signedIn();
  pass(3000);
  for (const ask of [
    'Bearer error="insufficient_scope"',
    'Basic realm="a, Bearer b", Bearer realm="x", error="insufficient_scope", scope="y"',
    'Negotiate YWJj==, bearer ERROR=insufficient_scope',
  ]) {
    equal((await auth.fetch(wire({ status: 401, h: `WWW-Authenticate: ${ask}` }), { credentials: 'omit' })).status, 401);
  }
  equal(await refreshes(), 0);
});

test('any other challenge, and none, is', async () => {
  for (const ask of ['Digest realm="error=insufficient_scope"', 'Bearer', 'Basic realm="Bearer error=\\"insufficient_scope\\""', 'nonsense,,=']) {
    const auth = await withRefused();
    equal((await auth.fetch(guarded({ ask }), { credentials: 'omit' })).status, 200, ask);
  }
  equal(await refreshes(), 4);
});

test('a challenge that CORS hides does not matter', async () => {
  const auth = await withRefused({ attachTo: [new URL(wire({}, 'other')).origin] });
  const k = unique();
  equal((await auth.fetch(guarded({ k }, 'other'))).status, 200);
  equal((await seen(k)).filter(({ method }) => method === 'GET').length, 2);
});

test('other statuses can mean a refused token, alone or with what the body says', async () => {
  const rules = [419, { status: 422, path: 'error.code', values: ['expired', 7] }];
  const auth = await withRefused({ unauthorized: rules });
  const kept = await auth.fetch(guarded({ as: 422, say: '{"error":{"code":"missing"}}' }));
  equal([kept.status, await kept.text()], [422, '{"error":{"code":"missing"}}']);
  equal((await auth.fetch(guarded())).status, 401);
  equal(await refreshes(), 0);
  equal((await auth.fetch(guarded({ as: 422, say: '{"error":{"code":"expired"}}' }))).status, 200);
  await refuse(auth);
  equal((await auth.fetch(guarded({ as: 419 }))).status, 200);
  equal(await refreshes(), 2);
});

test('shouldRefresh decides instead, on a copy', async () => {
  const auth = await withRefused({ shouldRefresh: async (response) => (await response.text()) === 'again' });
  const kept = await auth.fetch(guarded());
  equal([kept.status, kept.bodyUsed, await kept.text()], [401, false, 'refused']);
  const response = await auth.fetch(guarded({ as: 200, say: 'again', text: 'done' }));
  equal([response.status, await response.text(), await refreshes()], [200, 'done', 1]);
});

const ENDLESS = { webkit: 'it keeps a 401 to itself until all of its body is here' };

test('the body of a 401 that is replaced is cancelled: its connection is free', { lacks: ENDLESS }, async () => {
  const auth = await withRefused();
  const k = unique();
  const responses = await Promise.all([1, 2, 3].map((n) => auth.fetch(guarded({ k, n, stall: 1 }))));
  equal(responses.map(({ status }) => status), [200, 200, 200]);
  const stalled = async () => (await seen(k)).filter(({ status, cut }) => status === 401 && !cut).length;
  await until(async () => (await stalled()) === 0, 'the server to see its answers cut');
});

test('a token that was got a moment ago is not refreshed for a 401', async () => {
  const auth = await signedIn();
  equal((await auth.fetch(wire({ status: 401 }))).status, 401);
  equal(await refreshes(), 0);
});

test('a redirect to another origin loses the token, and its 401 is no reason to refresh', async () => {
  const auth = await signedIn();
  pass(3000);
  const k = unique();
  const response = await auth.fetch(wire({ to: wire({ k, status: 401 }, 'stranger') }));
  equal([response.status, response.redirected], [401, true]);
  equal([await refreshes(), (await seen(k)).filter(({ method }) => method === 'GET').map((one) => [one.place, Boolean(tokenOf(one))])], [0, [['own', true], ['stranger', false]]]);
});

test('a 401 that CORS hides is recovered from when the token was over meanwhile', async () => {
  const { origin } = new URL(wire({}, 'other'));
  const k = unique();
  // (A token that lasts much longer than any request is not suspected.)
  const auth = await signedIn({ attachTo: [origin] }, { access_ttl: 200 });
  const hidden = (init) => auth.fetch(guarded({ k, bare: 1, wait: 200 }, 'other'), init);
  await refuse(auth);
  equal((await caught(hidden())).name, 'TypeError', 'while the token is good:');
  equal(await refreshes(), 0);
  const posted = hidden({ method: 'POST', body: 'x' });
  const got = hidden();
  await until(async () => (await seen(k)).filter(({ method }) => method !== 'OPTIONS').length === 3);
  pass(3_600_000);
  equal((await caught(posted)).name, 'TypeError', 'a POST:');
  equal((await got).status, 200);
  equal(await refreshes(), 1);
});

test('without a session a request goes out bare, and its 401 is the caller’s', async () => {
  const auth = make();
  const k = unique();
  equal((await auth.fetch(guarded({ k }))).status, 401);
  equal((await seen(k)).map(tokenOf), [undefined]);
});

test('when no new token can be had, what run gives is what the operation came to', async () => {
  for (const answer of [{ status: 503 }, { status: 400, body: { error: 'invalid_grant' } }]) {
    const auth = await withRefused({ retries: 0 });
    await fault({ path: '/auth/refresh', times: 1, ...answer });
    const response = await auth.run((token) => native(guarded(), { headers: { Authorization: `Bearer ${token}` } }));
    equal([response.status, await response.text()], [401, 'refused']);
    equal(auth.state, answer.status === 503 ? 'active' : 'signedOut');
  }
});

test('run gives an operation a token, and once more a new one', async () => {
  const auth = await withRefused();
  const tokens = [];
  const operation = async (token, attempt) => {
    tokens.push(token);
    const { status } = await fetch(guarded(), { headers: { Authorization: `Bearer ${token}` } });
    if (status === 401) throw Object.assign(new Error('refused'), { response: { status } });
    return attempt;
  };
  equal(await auth.run(operation), 2);
  equal([new Set(tokens).size, await refreshes()], [2, 1]);
  const mine = new Error('mine');
  equal((await caught(auth.run(() => Promise.reject(mine)))) === mine, true);
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => auth.run(operation)));
  equal(outcomes, [1, 1, 1, 1, 1]);
});
