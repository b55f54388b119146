// The other side of every comparison: an API that takes one token, and a token endpoint. No network.

const ORIGIN = 'https://api.example';
/** A JWT of some 1 KB: what it says matters to nobody, its length does. */
const tokenOf = (serial) => `eyJhbGciOiJub25lIn0.${btoa(JSON.stringify({ sub: 'ada', pad: 'x'.repeat(700) })).replace(/=/g, '')}.c2ln${serial}`;
const LIFE = 86_400_000;

/** What a request carries, whichever way it was put. */
export function bearerOf(input, init) {
  const headers = init?.headers ?? input.headers;
  if (typeof headers?.get === 'function') return headers.get('authorization');
  return headers?.Authorization ?? headers?.authorization;
}

export function world() {
  let serial = 0;
  const held = { token: tokenOf(serial), life: LIFE };
  const made = {
    origin: ORIGIN,
    held,
    /** How often the token was renewed. */
    refreshes: 0,
    /** The header that the API takes. */
    accepted: `Bearer ${held.token}`,
    /** What the token endpoint waits for. */
    gate: undefined,
    async renew() {
      made.refreshes++;
      const token = tokenOf(++serial);
      await made.gate;
      made.accepted = `Bearer ${token}`;
      return { token, life: LIFE };
    },
  };
  return made;
}

/** Distinct URLs, as an app has them. */
export const urls = Array.from({ length: 64 }, (_, at) => `${ORIGIN}/v1/items/${at}`);
