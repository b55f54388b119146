// A refresh whose answer is lost after the server has rotated.

import assert from 'node:assert/strict';
import { world } from './harness/world.mjs';

const test = world('--grace', '60s');

test('a lost answer costs a resend within the grace of the server, and no session', { reuse: true }, async ({ page, server }) => {
  await page.open();
  await server.fault({ path: '/auth/refresh', times: 1, drop: 'after' });
  const outcome = await page.run(async () => {
    const answer = await kit.oldLogin();
    kit.make();
    auth.setTokens(answer);
    const { status } = await auth.fetch('/api/me');
    return { status, state: auth.state, ended: kit.types().includes('sessionEnded') };
  });
  assert.deepEqual(outcome, { status: 200, state: 'active', ended: false });
  const [lost, resent] = await server.refreshes();
  assert.deepEqual([lost.outcome, lost.token_outcome, resent.outcome], ['faulted', 'rotated', 'grace']);
  assert.equal(lost.token_fingerprint, resent.token_fingerprint);
});
