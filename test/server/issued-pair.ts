/** A CA of ten days and a leaf of it, for tests. */

import {
  type CertificateAuthority,
  issueCertificateAuthority,
  issueServingCertificate,
  type ServingCertificate,
} from '../../src/certificates/issue.ts';

export const DAY = 24 * 3600_000;

export async function issuePair(
  now: number,
  lifetime = DAY,
): Promise<{ ca: CertificateAuthority; leaf: ServingCertificate }> {
  const ca = await issueCertificateAuthority({
    commonName: `ca-${crypto.randomUUID()}`,
    notBefore: now,
    notAfter: now + 10 * DAY,
  });
  const names = { dnsNames: ['curfew.curfew-system.svc', 'localhost'], ipAddresses: ['127.0.0.1', '::1'] };
  return { ca, leaf: await issueServingCertificate({ ca, ...names, notBefore: now, notAfter: now + lifetime }) };
}
