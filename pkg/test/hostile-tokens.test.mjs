import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { decodeJwt } from '../dist/index.js';

const corpus = new URL('../../tests/corpora/jwt/', import.meta.url);
// The header of tests/corpora/jwt/mod.rs says how a line is written.
const cases = readdirSync(corpus)
  .filter((file) => file.endsWith('.txt'))
  .flatMap((file) => readFileSync(new URL(file, corpus), 'utf8').split('\n').map((line) => [file, line]))
  .filter(([, line]) => line && !line.startsWith('#'))
  .map(([file, line]) => {
    const [name, expected, token] = line.split('\t');
    return { name: `${file}: ${name}`, expected, token: spelled(token) };
  });

function spelled(token) {
  const bytes = (part) =>
    Buffer.concat(part.split(/(%..)/).map((piece) => (/^%..$/.test(piece) ? Buffer.from(piece.slice(1), 'hex') : Buffer.from(piece))));
  const parts = token.split(/[<>]/).map(bytes);
  return parts.map((part, at) => part.toString(at % 2 ? 'base64url' : 'utf8')).join('');
}

/** What Node and `JSON.parse` make of a token. */
function reference(token) {
  const segments = token.split('.');
  if (segments.length !== 3) return segments.length === 5 ? 'encrypted' : 'segments';
  const read = (segment) => {
    const bytes = Buffer.from(segment, 'base64url');
    // Node passes over what is no base64url.
    if (bytes.toString('base64url') !== segment) return 'base64';
    let text;
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return 'utf8';
    }
    try {
      const value = JSON.parse(text);
      return typeof value === 'object' && value && !Array.isArray(value) ? { value } : 'not_an_object';
    } catch {
      return 'json';
    }
  };
  const [header, claims] = segments.map(read);
  if (typeof header === 'string') return header;
  return typeof claims === 'string' ? claims : { header: header.value, claims: claims.value };
}

test('decodeJwt gives what JSON.parse makes of every hostile token, or the reason why there is nothing to parse', () => {
  assert.ok(cases.length > 500, String(cases.length));
  for (const { name, token } of cases) {
    const expected = reference(token);
    if (typeof expected === 'string') {
      assert.throws(() => decodeJwt(token), { code: 'invalid_token', message: `invalid token: ${expected}` }, name);
    } else {
      assert.deepEqual(decodeJwt(token), expected, name);
    }
  }
});

test('what the engine takes for a date is a number to JSON.parse, and within a millisecond of it', () => {
  for (const { name, expected, token } of cases) {
    const { claims } = Object(reference(token));
    const dates = Object.fromEntries(expected.split(' ').map((date) => date.split('=')));
    if (!claims) {
      assert.equal(expected, reference(token), name);
      continue;
    }
    for (const claim of ['exp', 'iat', 'nbf']) {
      const number = claims[claim];
      assert.equal(claim in dates, typeof number === 'number', `${name}: ${claim}`);
      if (typeof number !== 'number') continue;
      const held = Math.min(Math.max(number, -9e12), 9e12);
      // As a double, what is just below 10¹² is 10¹².
      const units = Math.abs(Math.abs(number) - 1e12) < 1 ? [1, 1000] : [Math.abs(number) < 1e12 ? 1000 : 1];
      assert.ok(units.some((unit) => Math.abs(held * unit - dates[claim]) <= 1), `${name}: ${number} ${dates[claim]}`);
    }
  }
});
