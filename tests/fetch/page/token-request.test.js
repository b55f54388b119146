// The request that carries the refresh token: nothing but the token endpoint gets it, and nothing of it is kept.

import { caught, equal, make, native, oldLogin, seen, shapeOf, test, unique, wire } from './kit.js';

const endpoint = (query) => wire(query).replace('wire', 'wire/refresh');

/** A call whose refresh goes to an endpoint that answers like this. */
async function refreshedBy(query) {
  const answer = await oldLogin();
  const auth = make({ refresh: endpoint(query), retries: 0 });
  await auth.setTokens(answer);
  const error = await caught(auth.fetch(wire()));
  equal([error.code, error.transient, auth.state], ['refresh_unavailable', true, 'stale']);
  return answer;
}

test('the refresh token follows no redirect, to no origin', async () => {
  for (const place of ['own', 'other', 'stranger']) {
    for (const status of [301, 302, 303, 307, 308]) {
      const k = unique();
      await refreshedBy({ k: `from-${k}`, status, to: wire({ k: `to-${k}` }, place) });
      equal([(await seen(`k=from-${k}`)).length, (await seen(`k=to-${k}`)).length], [1, 0], `${status} to ${place}:`);
    }
  }
});

test('the token request is kept in no cache and tells no referrer', async () => {
  const k = unique();
  const { refresh_token } = await refreshedBy({ k, status: 503 });
  const [ours] = await seen(k);
  const body = JSON.stringify({ refresh_token });
  const headers = { 'Content-Type': 'application/json' };
  const given = { method: 'POST', headers, body, credentials: 'same-origin', redirect: 'error' };
  await native(endpoint({ k, status: 503 }), { ...given, cache: 'no-store', referrerPolicy: 'no-referrer' });
  await native(endpoint({ k, status: 503 }), { ...given, cache: 'no-store' });
  await native(endpoint({ k, status: 503 }), { ...given, referrerPolicy: 'no-referrer' });
  const [, same, ...others] = await seen(k);
  equal(shapeOf(ours), shapeOf(same));
  equal(others.map((one) => JSON.stringify(shapeOf(one)) === JSON.stringify(shapeOf(ours))), [false, false]);
});
