// How long the worst tokens of 1 MB keep `decodeJwt` busy, in the wasm that ships. A quarter of a second is the most that
// is allowed. The least of five rounds each. Needs `cargo xtask build` first.
import { decodeJwt } from '../pkg/dist/index.js';

const LONGEST = 1 << 20;
const encode = (text) => Buffer.from(text).toString('base64url');
const room = (LONGEST >> 2) * 3 - 32;
const filled = (begin, unit, end) => begin + unit.repeat((room - begin.length - end.length) / Buffer.byteLength(unit)) + end;
const shapes = {
  'a text': filled('{"a":"', 'x', '","exp":1}'),
  'a text of escapes': filled('{"a":"', '\\u0041', '","exp":1}'),
  'a text of backslashes': filled('{"a":"', '\\\\', '","exp":1}'),
  'a text of emoji': filled('{"a":"', '🦀', '","exp":1}'),
  'duplicate names': filled('{', '"exp":1,', '"exp":2}'),
  'duplicate names in escapes': filled('{', '"\\u0065xp":1,', '"exp":2}'),
  members: filled('{', '"a":0,', '"exp":1}'),
  'empty objects': filled('{"a":[', '{},', '{}],"exp":1}'),
  numbers: filled('{"a":[', '-1.5e-7,', '0],"exp":1}'),
  digits: filled('{"exp":', '9', '}'),
  spaces: filled('{"exp":', ' ', '1}'),
  'arrays, 100,000 deep': `{"exp":1,"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`,
  'arrays without end': filled('{"exp":1,"a":', '[', ''),
  'objects without end': filled('', '{"a":', ''),
};

const taken = Object.entries(shapes).map(([name, payload]) => {
  const token = `e30.${encode(payload)}.c2ln`;
  const rounds = Array.from({ length: 5 }, () => {
    const began = performance.now();
    try {
      decodeJwt(token);
    } catch ({ code }) {
      if (code !== 'invalid_token') throw new Error(`${name}: ${code}`);
    }
    return performance.now() - began;
  });
  return { name, millis: Math.min(...rounds), length: token.length };
});
taken.sort((one, other) => other.millis - one.millis);
for (const { name, millis, length } of taken) {
  console.log(`decodeJwt ${millis.toFixed(1).padStart(6)} ms  ${String(length).padStart(7)} B  ${name}`);
}
