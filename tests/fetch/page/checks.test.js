// The checks at the end of every test: each is broken once, and must say so.

import { fault, login, native, post, test, track, wire } from './kit.js';

test('a call that never settles is found', { breaks: 'never settled: of nobody' }, async () => {
  track('of nobody', new Promise(() => {}));
});

test('an unhandled rejection is found', { breaks: 'unhandled rejection: Error: nobody hears' }, async () => {
  void Promise.reject(new Error('nobody hears'));
});

test('an uncaught error is found', { breaks: 'uncaught: ' }, async () => {
  setTimeout(() => {
    throw new Error('nobody catches');
  });
});

test('a token that the server has not issued is found', { breaks: 'a token that the server did not issue' }, async () => {
  await native(wire(), { headers: { Authorization: 'Bearer made-up' } });
});

test('a token of another scheme is found', { breaks: 'a token that the server did not issue' }, async () => {
  const { access_token } = await login();
  await native(wire(), { headers: { Authorization: `Token ${access_token}` } });
});

test('a token at a strange origin is found', { breaks: 'a token went to an origin that is not listed' }, async () => {
  const { access_token } = await login();
  await native(wire({}, 'stranger'), { headers: { Authorization: `Bearer ${access_token}` } });
});

test('a refresh token that is used twice is found', { breaks: '1 uses of a spent refresh token' }, async () => {
  const { refresh_token } = await login();
  await post('/auth/refresh', { refresh_token });
  await native('/auth/refresh', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refresh_token }),
  });
});

test('two refreshes at the same time are found', { breaks: '2 refreshes at the same time' }, async () => {
  await fault({ path: '/auth/refresh', times: 2, latency_ms: 300 });
  const answers = [await login(), await login()];
  await Promise.all(answers.map(({ refresh_token }) => post('/auth/refresh', { refresh_token })));
});

test('a token in the console is found', { breaks: 'eight characters of a token in: said ' }, async () => {
  const { refresh_token } = await login();
  console.debug(`said ${refresh_token.slice(4, 14)}`);
});

test('a token in an error is found', { breaks: 'eight characters of a token in: ' }, async () => {
  const { access_token } = await login();
  await track('refused', Promise.reject(new Error('no', { cause: { at: access_token.slice(-9) } }))).catch(() => {});
});

test('a token in a URL is found', { breaks: 'eight characters of a token in: ' }, async () => {
  const { access_token } = await login();
  await native(wire({ leaked: access_token.slice(0, 12) }));
});

test('a failing test is found', { breaks: 'on purpose' }, async () => {
  throw new Error('on purpose');
});
