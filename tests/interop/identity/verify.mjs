// Verifies an assertion as an identity server would:
//   node verify.mjs <file of the assertion> <file of the certificate> <algorithm> <audience> <client>
// prints its header and claims, or fails. The thumbprint is compared with the certificate's own.
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { importX509, jwtVerify } from 'jose';

const [file, certificate, algorithm, audience, client] = process.argv.slice(2);
const pem = readFileSync(certificate, 'utf8');
const { payload, protectedHeader } = await jwtVerify(readFileSync(file, 'utf8').trim(), await importX509(pem, algorithm),
  { algorithms: [algorithm], audience, issuer: client, subject: client, requiredClaims: ['jti', 'iat', 'nbf', 'exp'], typ: 'JWT' });
const der = new X509Certificate(pem).raw;
const print = (kind) => createHash(kind).update(der).digest('base64url');
if (protectedHeader['x5t#S256'] !== undefined && protectedHeader['x5t#S256'] !== print('sha256')) throw new Error('x5t#S256 is another certificate');
if (protectedHeader.x5t !== undefined && protectedHeader.x5t !== print('sha1')) throw new Error('x5t is another certificate');
if (protectedHeader.x5c !== undefined && protectedHeader.x5c[0] !== der.toString('base64')) throw new Error('x5c begins with another certificate');
console.log(JSON.stringify({ header: protectedHeader, claims: payload }));
