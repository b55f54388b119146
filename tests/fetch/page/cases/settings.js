// Redirects, credentials, CORS, and the other members of init.

const using = (init, query = {}, origin = 'own') => async ({ fetch, url, tell }) => tell(fetch(url(query, origin), init));
const member = (name, ...values) => values.map((value) => [`${name}: ${String(value)}`, using({ [name]: value })]);

/** A redirect by `status` to a place that tells what came. */
const moved = (init, { status = 302, to = 'own', from = 'own', query = {}, end = { echo: 1 } } = {}) =>
  async ({ fetch, url, tell }) => tell(fetch(url({ to: url(end, to), status, ...query }, from), init));

const PREFLIGHT = 'on the way to another origin it sends a preflight because of the Authorization that it then drops';
const away = { differs: { firefox: PREFLIGHT, webkit: PREFLIGHT } };

export const redirects = [
  ...[301, 302, 303, 307, 308].flatMap((status) => [
    [`GET by ${status}`, moved({}, { status })],
    [`POST by ${status}`, moved({ method: 'POST', body: 'x', headers: { 'X-A': '1' } }, { status })],
    [`a Blob by ${status}`, moved({ method: 'PUT', body: new Blob(['x']) }, { status })],
  ]),
  ['HEAD by 303', moved({ method: 'HEAD' }, { status: 303 })],
  ['to another origin', moved({ headers: { Accept: 'text/own' } }, { to: 'other' }), away],
  ['to another origin with a header that needs leave', moved({ headers: { 'X-A': '1' } }, { to: 'other' }), away],
  ['to another origin without leave', moved({}, { to: 'other', end: { cors: 'none' } }), away],
  ['to another origin, with cookies', moved({ credentials: 'include' }, { to: 'other' }), away],
  ['POST to another origin by 307', moved({ method: 'POST', body: 'x' }, { to: 'other', status: 307 }), away],
  ['from another origin to here', moved({}, { from: 'other' })],
  ['from another origin to a third', moved({}, { from: 'other', to: 'stranger' })],
  ['to another origin and back', async ({ fetch, url, tell }) => tell(fetch(url({ to: url({ to: url({ echo: 1 }) }, 'other') }))), away],
  ['mode error', moved({ redirect: 'error' })],
  ['mode manual', moved({ redirect: 'manual' })],
  ['mode manual to another origin', moved({ redirect: 'manual' }, { to: 'other' })],
  ['mode manual by a Request', async ({ fetch, url, tell }) => tell(fetch(new Request(url({ to: url() }), { redirect: 'manual' })))],
  ['an unknown mode', using({ redirect: 'sideways' })],
  ['to a data URL', async ({ fetch, url, tell }) => tell(fetch(url({ to: 'data:text/plain,x' })))],
  ['to nonsense', async ({ fetch, url, tell }) => tell(fetch(url({ to: 'http://[bad' })))],
  ['to nowhere', using({}, { status: 302 })],
  ['with a fragment in the target', async ({ fetch, url, tell }) => tell(fetch(url({ to: `${url()}#there` })))],
  ['with a fragment in the URL', async ({ fetch, url, tell }) => tell(fetch(`${url({ to: url() })}#here`))],
  ['relative', async ({ fetch, url, tell, key }) => tell(fetch(url({ to: `?k=${key}&text=there` })))],
  ['in a circle', async ({ fetch, url, key, tell }) => tell(fetch(url({ to: `/wire?k=${key}&to=${encodeURIComponent(`/wire?k=${key}`)}` })))],
  ['twenty times', using({}, { left: 20 })],
  ['twenty-one times', using({}, { left: 21 })],
  ['with a user in the target', async ({ fetch, url, tell }) => tell(fetch(url({ to: url().replace('://', '://user:pass@') }, 'own')))],
];

export const crossing = [
  ...['omit', 'same-origin', 'include'].flatMap((credentials) => [
    [`credentials ${credentials}`, withCookie({ credentials }, 'own')],
    [`credentials ${credentials} at another origin`, withCookie({ credentials }, 'other')],
    [`credentials ${credentials} with a Request`, async ({ fetch, url, tell }) => tell(fetch(new Request(url(), { credentials })))],
  ]),
  ['unknown credentials', using({ credentials: 'some' })],
  ['a cookie that is set and comes again', async ({ fetch, url, tell, key }) => [
    await tell(fetch(url({ h: `Set-Cookie: ${key}=1; Path=/wire` }))),
    await tell(fetch(url({ echo: 1 }))),
    await tell(fetch(url({ h: `Set-Cookie: ${key}=; Path=/wire; Max-Age=0` }))),
  ]],
  ...['cors', 'same-origin', 'no-cors', 'navigate', 'sideways'].flatMap((mode) => [
    [`mode ${mode}`, using({ mode })],
    [`mode ${mode} at another origin`, using({ mode }, { echo: 1 }, 'other')],
  ]),
  ['no-cors with a body', using({ mode: 'no-cors', method: 'POST', body: 'x' }, {}, 'other')],
  ['no-cors with headers', using({ mode: 'no-cors', headers: { 'X-A': '1', Accept: 'text/own' } }, {}, 'other')],
  ['no-cors with PUT', using({ mode: 'no-cors', method: 'PUT' }, {}, 'other')],
  ['no-cors by a Request', async ({ fetch, url, tell }) => tell(fetch(new Request(url({}, 'other'), { mode: 'no-cors' })))],
  ['no-cors, over a redirect', moved({ mode: 'no-cors' }, { from: 'other', to: 'stranger' })],
  ['an answer without leave', using({}, { cors: 'none' }, 'other')],
  ['leave for all', using({}, { cors: '*' }, 'other')],
  ['leave for all, with cookies', using({ credentials: 'include' }, { cors: '*' }, 'other')],
  ['a header that needs leave', using({ headers: { 'X-A': '1' } }, { echo: 1 }, 'other')],
  ['a method that needs leave', using({ method: 'PUT', body: 'x' }, { echo: 1 }, 'other')],
  ['a type that needs leave', using({ method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }, { echo: 1 }, 'other')],
  ['a simple POST', using({ method: 'POST', body: 'x' }, { echo: 1 }, 'other')],
  ['a preflight that is refused', using({ method: 'PUT' }, { preflight: 'refused' }, 'other')],
  ['headers that are shown', using({}, { h: ['X-Shown: 1', 'X-Hidden: 2'] }, 'other')],
  ['an error status of another origin', using({}, { status: 500 }, 'other')],
];

function withCookie(init, origin) {
  return async ({ fetch, url, tell }) => {
    document.cookie = 'own=1; path=/wire';
    const out = await tell(fetch(url({ echo: 1 }, origin), init));
    document.cookie = 'own=; path=/wire; max-age=0';
    return out;
  };
}

export const members = [
  ...member('referrer', '', 'about:client', '/somewhere', 'no-referrer', 'http://[bad', 'about:blank'),
  ['referrer: a URL object', using({ referrer: new URL('/elsewhere', location.href) })],
  ['referrer: another origin', using({ referrer: 'http://other.invalid/' })],
  ['referrer: with a Request', async ({ fetch, url, tell }) => tell(fetch(new Request(url(), { referrer: '/of-the-request' })))],
  ...['no-referrer', 'no-referrer-when-downgrade', 'same-origin', 'origin', 'strict-origin', 'origin-when-cross-origin', 'strict-origin-when-cross-origin', 'unsafe-url', '', 'some'].flatMap((referrerPolicy) => [
    [`referrerPolicy: ${referrerPolicy}`, using({ referrerPolicy })],
    [`referrerPolicy: ${referrerPolicy} at another origin`, using({ referrerPolicy }, {}, 'other')],
  ]),
  ...['default', 'no-store', 'reload', 'no-cache', 'force-cache', 'some'].map((cache) => [`cache: ${cache}, twice`, async ({ fetch, url, tell }) => {
    const cached = url({ echo: 1, h: ['Cache-Control: max-age=60', 'ETag: "a"'] });
    return [await tell(fetch(cached, { cache })), await tell(fetch(cached, { cache }))];
  }]),
  ['cache: only-if-cached', using({ cache: 'only-if-cached' })],
  ['cache: only-if-cached in the mode for it', using({ cache: 'only-if-cached', mode: 'same-origin' })],
  ['integrity: right', using({ integrity: 'sha256-mC2ePrmW9VnmM/TRlN7zdh2Qn1o7ZH0ahR/q1nwyydE=' })],
  ['integrity: wrong', using({ integrity: 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' })],
  ['integrity: unreadable', using({ integrity: 'md5-x' })],
  ['integrity: empty', using({ integrity: '' })],
  ['integrity: of a Request', async ({ fetch, url, tell }) => tell(fetch(new Request(url(), { integrity: 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' })))],
  ['integrity: without leave', using({ integrity: 'sha256-x', mode: 'no-cors' }, {}, 'other')],
  ['keepalive', using({ keepalive: true })],
  ['keepalive with a body', using({ keepalive: true, method: 'POST', body: 'x' })],
  ['keepalive with too much', using({ keepalive: true, method: 'POST', body: 'x'.repeat(70_000) })],
  ['keepalive with a Blob', using({ keepalive: true, method: 'POST', body: new Blob(['x']) })],
  ['keepalive by a Request with a body', async ({ fetch, url, tell }) => tell(fetch(new Request(url(), { keepalive: true, method: 'POST', body: 'x' })))],
  ['keepalive by a Request', async ({ fetch, url, tell }) => tell(fetch(new Request(url(), { keepalive: true })))],
  ...member('priority', 'high', 'low', 'auto', 'some', null),
  ...member('duplex', 'half', 'full', ''),
  ...member('window', null, 'some', undefined),
  ...member('signal', null, undefined, 5, 'some'),
  ['signal: an object', using({ signal: {} })],
  ['window: this one', using({ window: globalThis })],
  ['targetAddressSpace: some', using({ targetAddressSpace: 'some' })],
  ['attributionReporting: some', using({ attributionReporting: 5 })],
];
