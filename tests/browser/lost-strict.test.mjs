// A refresh whose answer is lost, at a server that forgives nothing.

import assert from 'node:assert/strict';
import { world } from './harness/world.mjs';

const test = world();

test('a refusal after a lost answer says that the answer may have been lost', { reuse: true, abandoned: 1 }, async ({ page, server }) => {
  await page.open();
  await server.fault({ path: '/auth/refresh', times: 1, answer_latency_ms: 600_000 });
  const outcome = await page.run(async () => {
    const answer = await kit.oldLogin();
    kit.make({ attemptTimeout: 2 });
    auth.setTokens(answer);
    const error = await kit.caught(auth.fetch('/api/me'));
    const { reason, status } = await kit.event('sessionEnded');
    return { code: error.code, reason, status, state: auth.state };
  });
  assert.deepEqual(outcome, { code: 'session_ended', reason: 'refresh_response_lost_possible', status: 400, state: 'signedOut' });
  assert.deepEqual((await server.refreshes()).map(({ token_outcome }) => token_outcome), ['rotated', 'reused']);
});
