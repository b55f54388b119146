// How long the worst tokens of 1 MB keep `decodeJwt` busy, in the wasm that ships, and how much of it is `JSON.parse`.
// A quarter of a second is the most that is allowed. Process CPU time, the least of five rounds. Needs
// `cargo xtask build` first.
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
  'which a quarter is arrays, 100,000 deep': `{"exp":1,"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`,
  'arrays without end': filled('{"exp":1,"a":', '[', ''),
  'objects without end': filled('', '{"a":', ''),
};

const millis = (call) => {
  const rounds = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    try {
      call();
    } catch (error) {
      if (error.code !== 'invalid_token' && !(error instanceof SyntaxError)) throw error;
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...rounds);
};

const taken = Object.entries(shapes).map(([name, payload]) => {
  const token = `e30.${encode(payload)}.c2ln`;
  return { name, decode: millis(() => decodeJwt(token)), parse: millis(() => JSON.parse(payload)) };
});
taken.sort((one, other) => other.decode - one.decode);
for (const { name, decode, parse } of taken) {
  console.log(`decodeJwt ${decode.toFixed(1).padStart(6)} ms, JSON.parse alone ${parse.toFixed(1).padStart(5)} ms: 1 MB of ${name}`);
}
