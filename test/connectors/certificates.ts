import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate authority, and a certificate of it for 127.0.0.1, in files. */
export function certificates(at: string, name: string): { readonly ca: string; readonly cert: string; readonly key: string } {
  const [ca, caKey, cert, key, request, extensions] = ['ca.pem', 'ca.key', 'cert.pem', 'key.pem', 'request', 'extensions'].map((file) => join(at, `${name}-${file}`)) as [string, string, string, string, string, string];
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...ec, '-subj', `/CN=${name}`, '-days', '2', '-keyout', caKey, '-out', ca);
  openssl('req', ...ec, '-subj', '/CN=127.0.0.1', '-keyout', key, '-out', request);
  writeFileSync(extensions, 'subjectAltName=IP:127.0.0.1\n');
  openssl('x509', '-req', '-in', request, '-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-days', '2', '-extfile', extensions, '-out', cert);
  return { ca, cert, key };
}
