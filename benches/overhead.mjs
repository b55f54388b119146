// What a request costs on top of `fetch` while the token is good: a stub `fetch` that answers at once, through
// nothing, the leanest wrapper one can write by hand, the usual one with `Headers`, and evertoken. Interleaved rounds,
// process CPU time, medians; only the ratios mean anything. Needs `cargo xtask build` first.
import { createTokenManager } from '../pkg/dist/index.js';

const ROUNDS = 21;
const CALLS = 20_000;
const API = 'https://api.example/v1/items';
const init = { method: 'GET', headers: { accept: 'application/json' } };
const answer = new Response(null, { status: 200 });
const stub = () => Promise.resolve(answer);
globalThis.fetch = stub;

const claims = Buffer.from(JSON.stringify({ sub: 'ada', pad: 'x'.repeat(600) })).toString('base64url');
const token = `eyJhbGciOiJub25lIn0.${claims}.c2ln`;
const auth = createTokenManager({ refresh: 'https://id.example/refresh', server: 'per-request', attachTo: [new URL(API).origin] });
await auth.setTokens({ access_token: token, refresh_token: 'r'.repeat(43), expires_in: 86_400 });

const until = Date.now() + 86_400_000;
const candidates = {
  'fetch alone': (url, options) => fetch(url, options),
  'leanest by hand': (url, options) =>
    Date.now() < until &&
    fetch(url, { ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } }).then((response) => response),
  'usual by hand': async (url, options) => {
    const headers = new Headers(options.headers);
    headers.set('authorization', `Bearer ${token}`);
    const response = await fetch(url, { ...options, headers });
    if (response.status !== 401) return response;
    throw new Error('not expected here');
  },
  evertoken: auth.fetch,
};

const samples = Object.fromEntries(Object.keys(candidates).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, candidate] of Object.entries(candidates)) {
    const before = process.cpuUsage();
    for (let call = 0; call < CALLS; call++) await candidate(API, init);
    const { user, system } = process.cpuUsage(before);
    samples[name].push(((user + system) * 1000) / CALLS);
  }
}
auth.dispose();

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const nanos = Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, median(values)]));
const lean = nanos['leanest by hand'];
const usual = nanos['usual by hand'];
for (const [name, value] of Object.entries(nanos)) {
  console.log(`${name.padEnd(16)} ${value.toFixed(0).padStart(6)} ns  ${(value / lean).toFixed(2)} x leanest  ${(value / usual).toFixed(2)} x usual`);
}
