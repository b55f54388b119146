// A 401 for a token that seemed good.

import assert from 'node:assert/strict';
import { claimsOf } from './harness/server.mjs';
import { world } from './harness/world.mjs';

const test = world();

test('an access token with a flipped bit of its signature costs one 401 and one refresh', async ({ page, server }) => {
  const answer = await server.login();
  const [header, claims, signature] = answer.access_token.split('.');
  const flipped = Buffer.from(signature, 'base64url');
  flipped[20] ^= 1;
  await recoversFrom({ page, server }, { ...answer, access_token: [header, claims, flipped.toString('base64url')].join('.') });
});

test('an access token that claims to live until 2099 costs one 401 and one refresh', async ({ page, server }) => {
  const answer = await server.login();
  const [header, , signature] = answer.access_token.split('.');
  const claims = { ...claimsOf(answer.access_token), exp: Date.UTC(2099, 0, 1) / 1000 };
  const forged = [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
  await recoversFrom({ page, server }, { ...answer, access_token: forged, expires_in: undefined });
});

async function recoversFrom({ page, server }, tampered) {
  await page.open();
  const outcome = await page.run(async (tampered) => {
    kit.make();
    watch.note(tampered);
    await auth.setTokens(tampered);
    await watch.sleep(2200);
    const before = auth.state;
    const { status } = await auth.fetch('/api/me');
    const next = await auth.fetch('/api/me');
    return { before, status, next: next.status, types: kit.types() };
  }, tampered);
  assert.deepEqual(outcome, { before: 'active', status: 200, next: 200, types: ['sessionStarted', 'refreshed'] });
  const { refreshes, api } = await server.ledger();
  assert.equal(refreshes, 1);
  assert.deepEqual(api, { ok: 2, unauthorized: 1 });
}
