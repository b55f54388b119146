// What must hold at the end of every test, whatever it is about.

/** Values that tests give themselves, as a caller of `fetch` may. */
const OF_THE_CALLER = /of-the-caller/;
const PIECE = 8;

/**
 * Problems of one test. `page` is what the page says of itself: `error`, `open` (names of calls that have not settled),
 * `troubles` (unhandled rejections, uncaught errors), `said` (console, errors, snapshots, URLs). `server` is the
 * ledger, `seen` the requests as they were on the wire, `issued` the tokens that the server has given out meanwhile.
 * `expected` is what the test says it provokes: `reuse`, `abandoned` attempts that the server still counts.
 */
export function problems({ page, server, seen, issued, expected = {} }) {
  const found = page.error ? [page.error].flat() : [];
  for (const name of page.open) found.push(`never settled: ${name}`);
  found.push(...page.troubles);
  for (const request of seen) found.push(...foreign(request, issued));
  const allowed = 1 + (expected.abandoned ?? 0);
  const { in_flight_refreshes_max: together, reuses } = server;
  if (together > allowed) found.push(`${together} refreshes at the same time`);
  if (reuses > 0 !== Boolean(expected.reuse)) found.push(`${reuses} uses of a spent refresh token`);
  found.push(...leaks([...page.said, ...seen.map(({ url }) => url)], issued));
  return found;
}

function foreign({ place, method, url, headers }, issued) {
  const given = headers.authorization;
  if (!given || OF_THE_CALLER.test(given)) return [];
  const where = `${method} ${place} ${url}`;
  if (place === 'stranger') return [`a token went to an origin that is not listed: ${where}`];
  const known = given.startsWith('Bearer ') && issued.has(given.slice('Bearer '.length));
  return known ? [] : [`a token that the server did not issue to this session: ${where}`];
}

/** Texts that hold a piece of a token, without the piece. */
function leaks(texts, issued) {
  const pieces = new Set();
  for (const token of issued) {
    for (let at = 0; at + PIECE <= token.length; at++) pieces.add(token.slice(at, at + PIECE));
  }
  const found = [];
  for (const text of texts) {
    for (let at = 0; at + PIECE <= text.length; at++) {
      if (!pieces.has(text.slice(at, at + PIECE))) continue;
      found.push(`eight characters of a token in: ${text.slice(0, at).slice(-80)}…`);
      break;
    }
  }
  return found;
}
