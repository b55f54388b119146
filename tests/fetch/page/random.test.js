// Calls as nobody would write them: what leaves the browser is what the native `fetch` would have sent, whichever way
// through ours a call takes.

import { dice, randomCall } from '/calls/random-calls.mjs';
import { differences } from './compare.js';
import { after, signedIn, test } from './kit.js';

const CALLS = 100;
/** Two that are always the same, and one that never is. */
const SEEDS = [1, 2, Math.floor(Math.random() * 2 ** 31)];

for (const seed of SEEDS) {
  test(`${CALLS} random calls, ${seed === SEEDS[2] ? 'another seed each time' : `seed ${seed}`}`, async ({ note }) => {
    if (seed === SEEDS[2]) note(`random calls: seed ${seed}`);
    const auth = await signedIn();
    after(auth.intercept());
    const found = [];
    for (let call = 0; call < CALLS; call++) {
      const run = async ({ fetch, url, tell }) => {
        // The same call from the same numbers.
        const args = randomCall(dice(seed * CALLS + call), [url(), url({}, 'other')]).make();
        return { answer: await tell(fetch(...args)) };
      };
      const compare = () => differences([`call ${call} of seed ${seed}`, run], window.fetch, (place) => place === 'own');
      // Some methods a server does not know and hangs up on: what can be read then is a matter of the moment, natively too.
      if ((await compare()).length) found.push(...(await compare()));
    }
    if (found.length) throw { problems: found };
  });
}
