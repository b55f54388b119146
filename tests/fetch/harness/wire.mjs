// `/wire?…`: answers as its query says, so that a test has both ends of the wire in one line.
//
// status, text, type, length (that many bytes); h=Name: value, repeatable; to=URL (redirect); left=n (that many
// redirects to itself); cors=none, * or the
// caller's origin with credentials (default); preflight=refused; wait=ms before the answer; chunks=n with gap=ms
// between them; drop=before, headers or body; echo (the answer is the method); guard (401 without a token that is
// good: with `bare`, one without CORS headers; with `stall`, one whose body does not end; with `as=status` and `say=text`
// another one; with `ask=challenge` its own WWW-Authenticate).

import { setTimeout as pause } from 'node:timers/promises';

export async function answer(front, entry, { searchParams: query }, request, response) {
  if (request.method === 'OPTIONS' && request.headers['access-control-request-method']) {
    return response.writeHead(query.has('preflight') ? 403 : 204, cors(query, request)).end();
  }
  const drop = query.get('drop');
  if (drop === 'before') return response.destroy();
  // A redirect, too, is answered once all of the request is here, or engines differ in what they make of it.
  if (!query.has('early')) await entry.whole;
  if (query.has('wait')) await pause(Number(query.get('wait')));

  // The first `fails` times, `as` this status, or without an answer.
  const failing = front.seen.filter(({ url, method }) => url === entry.url && method === entry.method).length <= Number(query.get('fails') ?? 0);
  if (failing && query.get('as') === 'none') return response.destroy();
  const refused = query.has('guard') && !front.accepts(request.headers.authorization);
  const text = refused ? (query.get('say') ?? 'refused') : query.has('echo') ? request.method : (query.get('text') ?? 'text');
  const body = query.has('length') && !refused ? Buffer.alloc(Number(query.get('length')), 'x') : Buffer.from(text);
  const left = Number(query.get('left') ?? 0);
  if (left) query.set('to', request.url.replace(/left=\d+/, `left=${left - 1}`));
  const given = query.getAll('h').map((line) => line.split(/: (.*)/s).slice(0, 2));
  const headers = [
    ...Object.entries(refused && query.has('bare') ? {} : cors(query, request)),
    ...(given.some(([name]) => /^cache-control$/i.test(name)) ? [] : [['Cache-Control', 'no-store']]),
    ['Content-Type', query.get('type') ?? 'text/plain'],
    ...(query.has('to') ? [['Location', query.get('to')]] : []),
    ...(refused ? [['WWW-Authenticate', query.get('ask') ?? 'Bearer error="invalid_token"']] : []),
    ...given,
  ];
  const status = refused || failing ? Number(query.get('as') ?? 401) : Number(query.get('status') ?? (query.has('to') ? 302 : 200));
  entry.status = status;
  response.on('close', () => (entry.cut ||= !response.writableFinished));
  const chunks = Number(query.get('chunks') ?? 1);
  const bare = [204, 304].includes(status) || request.method === 'HEAD';
  const stalls = refused && query.has('stall');
  if (drop || stalls || chunks > 1) headers.push(['Transfer-Encoding', 'chunked']);
  else if (!bare) headers.push(['Content-Length', String(body.length)]);
  response.writeHead(status, headers.flat());
  if (bare) return response.end();
  // (Firefox notices that nobody reads when there is more to read.)
  for (; stalls && !response.destroyed; await pause(100, undefined, { ref: false })) response.write(Buffer.alloc(2048, 'x'));
  if (drop) {
    if (drop === 'body') response.write(body);
    else response.flushHeaders();
    await pause(20);
    return response.destroy();
  }
  const size = Math.ceil(body.length / chunks);
  for (let n = 0; n < chunks && !response.destroyed; n++) {
    if (n) await pause(Number(query.get('gap') ?? 0), undefined, { ref: false });
    response.write(body.subarray(n * size, (n + 1) * size));
  }
  response.end();
}

function cors(query, request) {
  const { origin } = request.headers;
  const wanted = query.get('cors') ?? 'origin';
  if (wanted === 'none' || !origin) return {};
  return {
    'Access-Control-Allow-Origin': wanted === '*' ? '*' : origin,
    ...(wanted !== '*' && { 'Access-Control-Allow-Credentials': 'true' }),
    'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
    'Access-Control-Allow-Headers': request.headers['access-control-request-headers'] ?? '',
    'Access-Control-Expose-Headers': 'X-Shown, WWW-Authenticate',
  };
}
