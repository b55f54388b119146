// Runs a case with the native `fetch` and with the replaced one, and compares what the caller and the wire saw.

import { harness, native, ordered, origins, track, unique } from './kit.js';

/** Differences of one case that are shown. */
const SHOWN = 3;

/** Another realm's classes, whose objects are instances of none of ours. */
const frame = document.createElement('iframe');
document.body.append(frame);
export const realm = frame.contentWindow;

/**
 * Differences of one case, as text; none when both ways are the same to everybody. `loose` cases are of what engines
 * repeat or give up as they see fit: the wire is not compared.
 */
export async function differences([name, run, { loose } = {}], ours, attached) {
  const [expected, got] = [await attempt(name, run, native), await attempt(name, run, ours, attached)];
  if (loose) delete expected.sent;
  return apart(expected, got, name).slice(0, SHOWN);
}

/** Where two values differ. */
function apart(expected, got, path) {
  if (ordered(expected) === ordered(got)) return [];
  const inside = [expected, got].every((value) => Object(value) === value) && Array.isArray(expected) === Array.isArray(got);
  if (!inside) return [`${path}: native ${ordered(expected)}, ours ${ordered(got)}`];
  return Object.keys({ ...got, ...expected })
    .filter((key) => key in expected || Array.isArray(got))
    .flatMap((key) => apart(expected[key], got[key], `${path}.${key}`));
}

async function attempt(name, run, fetch, attached) {
  const key = unique();
  const url = (query = {}, origin = 'own') => {
    const search = new URLSearchParams({ k: key });
    for (const [name, value] of Object.entries(query)) for (const one of [value].flat()) search.append(name, one);
    return `${origins[origin]}/wire?${search}`;
  };
  const unkeyed = (text) => String(text).replaceAll(key, 'KEY');
  const tell = (promise, read) => track(name, promise).then((response) => shown(response, read, unkeyed), (error) => failed(error, unkeyed));
  let out;
  try {
    out = await run({ fetch, url, tell, key });
  } catch (error) {
    out = { thrown: failed(error, unkeyed) };
  }
  const seen = await harness('seen', { key });
  return { out, sent: seen.map((request) => sent(request, unkeyed, attached)) };
}

async function shown(response, read = (from) => from.text(), unkeyed) {
  const { status, statusText, type, ok, redirected, url, headers, body } = response;
  const fromHere = [response instanceof Response, body === null || body instanceof ReadableStream];
  const out = { status, statusText, type, ok, redirected, url: unkeyed(url), null: body === null, fromHere };
  out.headers = [...headers].filter(([name]) => name !== 'date').map((pair) => pair.map(unkeyed));
  try {
    out.read = await read(response);
    if (typeof out.read === 'string') out.read = unkeyed(out.read);
  } catch (error) {
    out.unread = failed(error, unkeyed);
  }
  out.bodyUsed = response.bodyUsed;
  return out;
}

export function failed(error, unkeyed = String) {
  if (Object(error) !== error) return { value: String(error) };
  const { name, message } = error;
  return { name, message: unkeyed(message), class: error.constructor.name, here: error instanceof Error };
}

/** A request as it was on the wire, but for what is random, and for the token where it belongs. */
function sent({ place, method, url, rawHeaders, body, cut }, unkeyed, attached) {
  const headers = [];
  const { size, text, hash } = body ?? {};
  // Drawn at random; a caller may have hidden it from the headers.
  const boundary = /^--(\S+?)(--)?\r\n/.exec(text)?.[1];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = rawHeaders.slice(at, at + 2);
    if (name === 'Authorization' && value.startsWith('Bearer ') && !value.includes('of-the-caller') && attached?.(place)) continue;
    headers.push(`${name}: ${unkeyed(value)}`);
  }
  // Chromium puts them in the order of a hash.
  headers.sort();
  const what = { place, method, url: unkeyed(url), headers, text: text && unkeyed(text), size, hash, cut };
  if (text) delete what.hash;
  if (!boundary) return what;
  // Its length is random, too, in some engines.
  delete what.size;
  const plain = (line) => line.replaceAll(boundary, 'BOUNDARY').replace(/^content-length: .*/i, 'Content-Length');
  return { ...what, headers: headers.map(plain), text: plain(what.text) };
}
