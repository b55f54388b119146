// A certificate for 127.0.0.1 that nobody has signed but itself, and by which a browser can be told to trust it.

import { createHash, generateKeyPairSync, sign } from 'node:crypto';

const DAY = 86_400_000;
const OID = { ecdsaWithSha256: '06082a8648ce3d040302', commonName: '0603550403', subjectAltName: '0603551d11' };

/** `key` and `cert` as PEM, and `pin`: the SHA-256 of the public key, as Chromium takes it. */
export function makeCertificate() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const algorithm = der(0x30, Buffer.from(OID.ecdsaWithSha256, 'hex'));
  const name = der(0x30, der(0x31, der(0x30, Buffer.from(OID.commonName, 'hex'), der(0x0c, Buffer.from('front')))));
  const address = der(0x30, der(0x87, Buffer.from([127, 0, 0, 1])));
  const extension = der(0x30, Buffer.from(OID.subjectAltName, 'hex'), der(0x04, address));
  const validity = der(0x30, ...[-DAY, DAY].map((shift) => der(0x18, Buffer.from(timeOf(Date.now() + shift)))));
  const version = der(0xa0, der(0x02, Buffer.from([2])));
  const serial = der(0x02, Buffer.from([1]));
  const extensions = der(0xa3, der(0x30, extension));
  const body = der(0x30, version, serial, algorithm, name, validity, name, spki, extensions);
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, privateKey));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: `-----BEGIN CERTIFICATE-----\n${der(0x30, body, algorithm, signature).toString('base64')}\n-----END CERTIFICATE-----\n`,
    pin: createHash('sha256').update(spki).digest('base64'),
  };
}

/** A value of ASN.1 in its one encoding (X.690 §8.1); none here is longer than 64 KB. */
function der(tag, ...parts) {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

/** As GeneralizedTime has it: `20261128191500Z`. */
function timeOf(ms) {
  return new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
}
