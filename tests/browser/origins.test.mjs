// Where the token goes, and where not.

import assert from 'node:assert/strict';
import { startServer } from './harness/server.mjs';
import { world } from './harness/world.mjs';

// The policy that the server's pages have would let them reach no other origin.
const test = world('--no-csp');

/** Another origin, which lets the pages of this one in. */
async function withForeign({ page, server, context }, body) {
  const foreign = await startServer('--allow-origin', server.origin);
  context.after(() => foreign.stop());
  await page.open();
  await body(foreign);
}

test('a foreign origin gets no token, and its 401 is named once', { console: /answered 401 and is not listed/ }, async (parts) => {
  await withForeign(parts, async (foreign) => {
    const outcome = await parts.page.run(async (origin) => {
      await kit.settledIn();
      const answers = [await auth.fetch(`${origin}/api/me`), await auth.fetch(new Request(`${origin}/api/me`))];
      return {
        statuses: answers.map(({ status }) => status),
        challenges: answers.map(({ headers }) => headers.get('www-authenticate')),
        unlisted: auth.diagnostics().unlisted,
      };
    }, foreign.origin);
    assert.deepEqual(outcome, { statuses: [401, 401], challenges: ['Bearer', 'Bearer'], unlisted: [foreign.origin] });
    await parts.page.gather();
    const warnings = parts.page.seen.console.filter(({ message }) => message.includes('is not listed'));
    assert.equal(warnings.length, 1);
    assert.ok(warnings[0].message.includes(foreign.origin));
    assert.equal((await parts.server.ledger()).refreshes, 0);
  });
});

test('an origin in attachTo gets the token, and its 401 is recovered from', { console: /answered 401 and is not listed/ }, async (parts) => {
  await withForeign(parts, async (foreign) => {
    const token = await parts.page.run(async (origin) => {
      const answer = await kit.login({}, origin);
      kit.make({ refresh: `${origin}/auth/refresh`, attachTo: [origin], sameOrigin: false });
      await auth.setTokens(answer);
      await watch.sleep(2200);
      return auth.getAccessToken();
    }, foreign.origin);
    await foreign.expireAccess(token);
    const outcome = await parts.page.run(async (origin) => {
      const init = { method: 'POST', body: 'again', headers: { 'X-Mark': 'kept' } };
      const response = await auth.fetch(`${origin}/api/echo`, init);
      const { method, body_base64, headers } = await response.json();
      const own = await auth.fetch('/api/me');
      return { status: response.status, method, body: atob(body_base64), mark: headers['x-mark'], own: own.headers.get('www-authenticate') };
    }, foreign.origin);
    assert.deepEqual(outcome, { status: 200, method: 'POST', body: 'again', mark: 'kept', own: 'Bearer' });
    const ledger = await foreign.ledger();
    assert.deepEqual([ledger.refreshes, ledger.reuses, ledger.in_flight_refreshes_max], [1, 0, 1]);
    assert.equal((await parts.server.ledger()).refreshes, 0);
  });
});
