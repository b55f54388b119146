// What stands between the browser and the reference server: four origins of one process. It keeps every request as it
// was on the wire, which the server's HTTP library cannot show, and passes `/auth`, `/api` and the like on to it.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import { createSecureServer } from 'node:http2';
import { extname, join, normalize } from 'node:path';
import { makeCertificate } from './certificate.mjs';
import { answer } from './wire.mjs';

/** `own` is the page's, `other` and `secure` may be listed by a test, `stranger` never is. `secure` speaks HTTP/2. */
export const ORIGINS = ['own', 'other', 'stranger', 'secure'];

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.map': 'application/json', '.wasm': 'application/wasm' };
const KEPT = 1 << 20;

/**
 * Listens on four ports, one of them with a certificate that `pin` names. `roots` are directories by the first segment of a path; `control(path, body)` answers what
 * the page asks of the harness, and may be set later, like `backend`, the origin of the server.
 */
export async function startFront(roots) {
  const { pin, ...identity } = makeCertificate();
  const front = { pin, origins: {}, seen: [], backend: undefined, control: undefined, issued: () => {} };
  const servers = [];
  const open = new Set();
  let sockets = 0;
  for (const place of ORIGINS) {
    const safe = place === 'secure';
    const listen = safe ? createSecureServer.bind(undefined, identity) : createServer.bind(undefined, { keepAliveTimeout: 60_000 });
    const server = listen((request, response) => {
      handle(place, request, response).catch((error) => {
        console.error(`front: ${request.method} ${request.url}: ${error.stack}`);
        response.destroy();
      });
    });
    server.on(safe ? 'secureConnection' : 'connection', (socket) => {
      socket.number = ++sockets;
      socket.setNoDelay();
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    front.origins[place] = `http${safe ? 's' : ''}://127.0.0.1:${server.address().port}`;
    servers.push(server);
  }

  async function handle(place, request, response) {
    const url = new URL(request.url, front.origins[place]);
    const [, area] = url.pathname.split('/');
    if (area === 'harness') return reply(response, await front.control(url.pathname, await textOf(request)));
    if (roots[area] && request.method === 'GET') return file(roots[area], url.pathname.slice(area.length + 2), response);
    const entry = note(place, request);
    if (area === 'wire') return answer(front, entry, url, request, response);
    return pass(entry, request, response);
  }

  function note(place, request) {
    const { method, url, rawHeaders, headers, socket, httpVersion } = request;
    const entry = { place, method, url, rawHeaders, headers, httpVersion, socket: socket.number, body: undefined, cut: false };
    front.seen.push(entry);
    const hash = createHash('sha256');
    const kept = [];
    let size = 0;
    request.on('data', (chunk) => {
      hash.update(chunk);
      if ((size += chunk.length) <= KEPT) kept.push(chunk);
    });
    entry.whole = new Promise((resolve) => {
      request.on('end', () => {
        entry.body = { size, hash: hash.digest('hex'), text: size <= KEPT ? Buffer.concat(kept).toString('latin1') : '' };
        resolve();
      });
      request.on('close', resolve);
    });
    request.on('aborted', () => (entry.cut = true));
    return entry;
  }

  /** As a reverse proxy would: nothing is added, and who leaves is seen to leave. */
  function pass(entry, request, response) {
    const { port, hostname } = new URL(front.backend);
    const options = { port, hostname, method: request.method, path: request.url, headers: request.rawHeaders };
    const upstream = httpRequest(options, async (from) => {
      entry.status = from.statusCode;
      if (/^\/auth\/(login|refresh)/.test(request.url) && from.statusCode === 200) {
        const text = await textOf(from).catch(() => undefined);
        if (text === undefined) return response.destroy();
        front.issued(JSON.parse(text), from.headers['set-cookie']);
        response.writeHead(from.statusCode, from.rawHeaders);
        return response.end(text);
      }
      response.writeHead(from.statusCode, from.rawHeaders);
      from.on('error', () => response.destroy());
      from.pipe(response);
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  }

  front.stop = async () => {
    for (const server of servers) {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    }
  };
  return front;
}

async function file(root, path, response) {
  const name = join(root, normalize(`/${path}`));
  const known = await stat(name).catch(() => undefined);
  if (!known?.isFile()) return response.writeHead(404).end();
  response.writeHead(200, {
    'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream',
    'Cache-Control': 'no-store',
    'Service-Worker-Allowed': '/',
  });
  createReadStream(name).pipe(response);
}

function reply(response, value) {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(value ?? null));
}

async function textOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
