/**
 * Makes certificates. The one file that imports selfsigned, whose defaults are wrong for us (5.5.0): RSA and SHA-1, and
 * subjects that are joined unescaped. Hence always EC and SHA-256, fixed or checked names in subjects, and real names
 * only in subject alternative names, which are all that Go's TLS looks at.
 */

import { isIP } from 'node:net';

const CLOCK_SKEW_MS = 10 * 60_000;
/** Certificates have whole seconds, and one that begins in the next is not valid yet. */
const LEAST_SKEW_MS = 2_000;

/**
 * Allowance for clocks that differ between us and the API server, in ms: certificates begin this much earlier. Of a
 * short life only a part, or most of it would be over when it begins.
 */
function allowSkew(notBefore: number, notAfter: number): number {
  return Math.min(CLOCK_SKEW_MS, Math.max(LEAST_SKEW_MS, (notAfter - notBefore) / 10));
}

/** A CA with its key. Both are PEM; the key is secret. */
export type CertificateAuthority = {
  readonly cert: string;
  readonly key: string;
  /** In ms since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
};

/** A serving certificate with its key (PEM), and the CA certificates that its clients need. */
export type ServingCertificate = {
  readonly cert: string;
  readonly key: string;
  /** PEM, the CA that signs now first; absent if the clients know the CA from elsewhere. */
  readonly caBundle?: string;
  /** In ms since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
};

export type AuthorityRequest = {
  /** Unique: OpenSSL-based clients fail when two CAs of one name stand in one bundle. Letters, digits, `.` and `-`. */
  readonly commonName: string;
  /** In ms since the epoch, before the allowance for clock skew. */
  readonly notBefore: number;
  readonly notAfter: number;
};

/** Makes a self-signed EC P-256 CA that may sign leaves only. Takes about 17 ms. */
export async function issueCertificateAuthority(request: AuthorityRequest): Promise<CertificateAuthority> {
  const { commonName } = request;
  if (!/^[A-Za-z0-9.-]{1,64}$/.test(commonName)) throw new Error('A CA needs a plain common name.');
  const { notBefore, notAfter } = toDates(
    request.notBefore - allowSkew(request.notBefore, request.notAfter),
    request.notAfter,
  );
  const { generate } = await import('selfsigned');
  const made = await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: notBefore,
    notAfterDate: notAfter,
    extensions: [
      { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { cert: made.cert, key: made.private, notBefore: notBefore.getTime(), notAfter: notAfter.getTime() };
}

export type ServingRequest = {
  readonly ca: CertificateAuthority;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** In ms since the epoch, before the allowance for clock skew. */
  readonly notBefore: number;
  /** A leaf never outlives its CA: the earlier end counts. */
  readonly notAfter: number;
};

/** Makes an EC P-256 serving certificate signed by `ca`. Takes about 13 ms. */
export async function issueServingCertificate(request: ServingRequest): Promise<ServingCertificate> {
  const { ca, dnsNames, ipAddresses } = request;
  for (const name of dnsNames) {
    if (!/^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(name) || name.length > 253) {
      throw new Error(`${JSON.stringify(name)} is no DNS name, so no certificate can be made for it.`);
    }
  }
  for (const address of ipAddresses) {
    if (isIP(address) === 0) throw new Error(`${JSON.stringify(address)} is no IP address.`);
  }
  if (dnsNames.length + ipAddresses.length === 0) throw new Error('A serving certificate needs a name or an address.');
  const { notBefore, notAfter } = toDates(
    Math.max(request.notBefore - allowSkew(request.notBefore, request.notAfter), ca.notBefore),
    Math.min(request.notAfter, ca.notAfter),
  );
  const { generate } = await import('selfsigned');
  const made = await generate([{ name: 'commonName', value: 'curfew' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    ca: { cert: ca.cert, key: ca.key },
    notBeforeDate: notBefore,
    notAfterDate: notAfter,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      // No keyEncipherment: it means RSA key exchange, which an EC key cannot do.
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...dnsNames.map((value) => ({ type: 2 as const, value })),
          ...ipAddresses.map((ip) => ({ type: 7 as const, ip })),
        ],
      },
    ],
  });
  return {
    cert: made.cert,
    key: made.private,
    caBundle: ca.cert,
    notBefore: notBefore.getTime(),
    notAfter: notAfter.getTime(),
  };
}

/** Certificates have whole seconds; rounding inwards keeps the leaf inside its CA. */
function toDates(from: number, to: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const notBefore = new Date(Math.ceil(from / 1000) * 1000);
  const notAfter = new Date(Math.floor(to / 1000) * 1000);
  if (!(notBefore.getTime() < notAfter.getTime())) throw new Error('A certificate must begin before it ends.');
  return { notBefore, notAfter };
}
