// Where the token goes: what this engine's `URL` says, and what its redirects do.

import { matcher } from '/evertoken/dist/match.js';
import { placeOf } from '/evertoken/dist/place.js';
import { differences } from '/corpora/destinations/checker.mjs';
import { groups } from '/corpora/destinations/table.mjs';
import { after, equal, harness, ok, signedIn, sleep, test, unique, wire } from './kit.js';

const ENDPOINTS = ['token', 'revoke'].map((name) => new URL(`https://api.example/${name}`));

test('a table of URLs, `new URL` of this engine and the allow-list say the same', async ({ note }) => {
  const base = document.createElement('base');
  document.head.append(base);
  after(() => base.remove());
  const judge = (group) => {
    const { page, options } = group;
    const { attachTo = [], exclude = [], sameOrigin = true } = options;
    const places = (list) => list.map((entry) => placeOf(entry, page));
    const own = sameOrigin ? [{ origin: new URL(page).origin, path: '/' }] : [];
    const match = matcher({ attach: [...own, ...places(attachTo)], exclude: places(exclude), endpoints: ENDPOINTS });
    base.href = group.base ?? page;
    return (text) => match(text)?.ours ?? false;
  };
  equal(differences(groups, judge, () => location.protocol === 'http:'), []);
  note(`${groups.flatMap(({ ours, others }) => [...ours, ...others]).length} URLs`);
});

/** Sends to `path` with a token so old that its 401 would be worth a refresh; what the wire saw of `key`, in order. */
async function follow(options, target, key) {
  const auth = await signedIn(options);
  await sleep(2100);
  const response = await auth.fetch(target);
  const seen = await harness('seen', { key });
  const { refreshes } = await harness('ledger');
  return { response, refreshes, seen: seen.map(({ place, headers }) => [place, 'authorization' in headers]) };
}

for (const listed of [false, true]) {
  test(`the token does not follow a redirect to another origin, ${listed ? 'listed' : 'strange'}: its 401 causes no refresh`, async () => {
    const key = unique();
    const place = listed ? 'other' : 'stranger';
    const { origin } = new URL(wire({}, place));
    const target = wire({ key, to: wire({ key, guard: 1 }, place) });
    const { response, refreshes, seen } = await follow({ attachTo: listed ? [origin] : [] }, target, key);
    equal(response.status, 401);
    ok(response.redirected && response.url.startsWith(origin), `an answer of ${origin}, not ${response.url}`);
    const plain = seen.filter(([where]) => where === place);
    equal(plain.map(([, carries]) => carries), plain.map(() => false), 'authorization there');
    equal(seen[0], ['own', true]);
    equal(refreshes, 0, 'refreshes');
  });
}

test('the token follows a redirect within its origin, and stays away when it comes back from another', async () => {
  const key = unique();
  const within = await follow({}, wire({ key, to: wire({ key, guard: 1 }) }), key);
  equal([within.response.status, within.seen], [200, [['own', true], ['own', true]]]);
  const other = unique();
  const back = wire({ key: other, to: wire({ key: other, to: wire({ key: other }) }, 'stranger') });
  const { response, seen } = await follow({}, back, other);
  equal(response.status, 200);
  equal(seen.filter(([place]) => place === 'stranger').some(([, carries]) => carries), false);
});
