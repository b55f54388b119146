// The app's own retries: off, unless the option `retry` says otherwise.

import { caught, equal, ok, outcome, refreshes, refuse, seen, signedIn, sleep, test, unique, until, wire } from './kit.js';

const retry = { retry: {}, retryDelay: 0.1 };
const failing = (query) => wire({ fails: 2, as: 503, ...query });

test('without the option nothing is sent again', async () => {
  const auth = await signedIn();
  const k = unique();
  equal([(await auth.fetch(failing({ k }))).status, (await seen(k)).length], [503, 1]);
});

test('5xx and 429 are sent again until they are over', async () => {
  const auth = await signedIn(retry);
  for (const as of [429, 500, 503]) {
    const k = unique();
    equal([(await auth.fetch(failing({ k, as }))).status, (await seen(k)).length], [200, 3]);
  }
});

test('so is what has no answer', async () => {
  const auth = await signedIn(retry);
  const k = unique();
  // (Some engines send such a request again themselves.)
  equal((await auth.fetch(failing({ k, as: 'none', fails: 3 }), { method: 'PUT', body: 'x' })).status, 200);
  ok((await seen(k)).every(({ body }) => body.text === 'x'), 'the same body each time');
});

test('the last answer is the caller’s, unread', async () => {
  const auth = await signedIn({ ...retry, retry: { attempts: 1 } });
  const k = unique();
  const response = await auth.fetch(failing({ k, fails: 9, text: 'down' }));
  equal([response.status, await response.text(), (await seen(k)).length], [503, 'down', 2]);
});

test('other answers, and other methods, are not sent again', async () => {
  const auth = await signedIn(retry);
  const [k, posted] = [unique(), unique()];
  equal((await auth.fetch(failing({ k, as: 404 }))).status, 404);
  equal((await auth.fetch(failing({ k: posted }), { method: 'POST', body: 'x' })).status, 503);
  equal([(await seen(k)).length, (await seen(posted)).length], [1, 1]);
});

test('methods that are listed are, and no others', async () => {
  const auth = await signedIn({ ...retry, retry: { methods: ['post'] } });
  const [k, posted] = [unique(), unique()];
  equal((await auth.fetch(failing({ k }))).status, 503);
  equal((await auth.fetch(failing({ k: posted }), { method: 'POST', body: new Blob(['x']) })).status, 200);
  equal((await seen(posted)).map(({ body }) => body.text), ['x', 'x', 'x']);
});

test('Retry-After is waited for, and one that is too long is not', async () => {
  const auth = await signedIn({ ...retry, retryCap: 5 });
  const began = Date.now();
  equal((await auth.fetch(failing({ fails: 1, h: 'Retry-After: 1' }))).status, 200);
  ok(Date.now() - began >= 1000, 'a second to pass');
  const k = unique();
  equal((await auth.fetch(failing({ k, h: 'Retry-After: 60' }))).status, 503);
  equal((await seen(k)).length, 1);
});

test('Retry-After may be a date, in each form that HTTP has for one; anything else is no time', async () => {
  const auth = await signedIn({ ...retry, retryCap: 600 });
  const at = new Date(Date.now() + 3_600_000);
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) (\S+)/.exec(at.toUTCString());
  const weekday = (length) => at.toLocaleDateString('en', { timeZone: 'UTC', weekday: length });
  const inAnHour = [
    at.toUTCString(),
    `${weekday('long')}, ${day}-${month}-${year.slice(2)} ${time} GMT`,
    `${weekday('short')} ${month} ${String(+day).padStart(2)} ${time} ${year}`,
  ];
  for (const value of inAnHour) {
    const k = unique();
    equal([(await auth.fetch(failing({ k, h: `Retry-After: ${value}` }))).status, (await seen(k)).length], [503, 1], value);
  }
  for (const value of ['-5', 'abc', '1.5', '', '0', '9999 Jan', '2999-01-01', `${year * 1 + 9}`.padStart(9, '-')]) {
    equal((await auth.fetch(failing({ h: `Retry-After: ${value}` }))).status, 200, value);
  }
});

test('an abort between the attempts ends them, at once and with its own reason', async () => {
  const auth = await signedIn({ retry: {}, retryDelay: 60, retryCap: 60 });
  const controller = new AbortController();
  const k = unique();
  const left = outcome(auth.fetch(failing({ k }), { signal: controller.signal }));
  await until(async () => (await seen(k))[0]?.status === 503);
  await sleep(100);
  const mine = new Error('mine');
  controller.abort(mine);
  equal((await left).error === mine, true);
  equal((await seen(k)).length, 1);
});

test('a 401 among the attempts costs its one refresh', async () => {
  const auth = await signedIn(retry);
  await refuse(auth);
  const k = unique();
  equal((await auth.fetch(wire({ guard: 1, k }), { method: 'PUT', body: 'x' })).status, 200);
  equal([await refreshes(), (await seen(k)).length], [1, 2]);
});

test('what fetch refuses is refused at once', async () => {
  const auth = await signedIn({ retry: { methods: ['GET', 'TEAPOT'] }, retryDelay: 60, retryCap: 60 });
  for (const init of [{ headers: { 'bad name': '1' } }, { method: 'GET', body: 'x' }]) {
    equal((await caught(auth.fetch(wire(), init))).name, 'TypeError');
  }
});
