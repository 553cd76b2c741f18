/** A CA that lives in this process only: for one replica, for tests, and for a server outside a cluster. */

import { type Authorities, isDue, keepPrevious } from './authorities.ts';
import { issueCertificateAuthority } from './issue.ts';
import { createSigningSource, type SigningOptions } from './signing.ts';
import type { CertificateSource } from './source.ts';

const DEFAULT_AUTHORITY_LIFETIME_MS = 365 * 24 * 3600_000;

export type SelfMadeOptions = Omit<SigningOptions, 'authorities'> & {
  /** In ms. After two thirds of it the CA is replaced, and `caBundle` changes with it. */
  readonly authorityLifetimeMs?: number;
};

/** Makes a CA and a leaf, and renews both in time. */
export async function createSelfMadeSource(options: SelfMadeOptions): Promise<CertificateSource> {
  const { clock, authorityLifetimeMs = DEFAULT_AUTHORITY_LIFETIME_MS } = options;
  let known: Authorities | undefined;
  return createSigningSource({
    ...options,
    authorities: async () => {
      const now = clock.now();
      if (known === undefined || isDue(known.signing, now)) {
        const signing = await issueCertificateAuthority({
          commonName: createAuthorityName(),
          notBefore: now,
          notAfter: now + authorityLifetimeMs,
        });
        const before = known === undefined ? [] : [known.signing.cert, ...known.previous];
        known = { signing, previous: keepPrevious(before, { signing, now }) };
      }
      return known;
    },
  });
}

/** A name that no other CA has. */
export function createAuthorityName(): string {
  return `curfew-ca-${crypto.randomUUID()}`;
}
