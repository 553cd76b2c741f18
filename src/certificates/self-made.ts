/** A CA that lives in this process only: for one replica, for tests, and for a server outside a cluster. */

import { type CertificateAuthority, issueCertificateAuthority } from './issue.ts';
import { createSigningSource, isDue, type SigningOptions } from './signing.ts';
import type { CertificateSource } from './source.ts';

const DEFAULT_AUTHORITY_LIFETIME_MS = 365 * 24 * 3600_000;

export type SelfMadeOptions = Omit<SigningOptions, 'authority'> & {
  /** In ms. After two thirds of it the CA is replaced, and `caBundle` changes with it. */
  readonly authorityLifetimeMs?: number;
};

/** Makes a CA and a leaf, and renews both in time. */
export async function createSelfMadeSource(options: SelfMadeOptions): Promise<CertificateSource> {
  const { clock, authorityLifetimeMs = DEFAULT_AUTHORITY_LIFETIME_MS } = options;
  let ca: CertificateAuthority | undefined;
  return createSigningSource({
    ...options,
    authority: async () => {
      if (ca === undefined || isDue(ca, clock.now())) {
        ca = await issueCertificateAuthority({
          commonName: createAuthorityName(),
          notBefore: clock.now(),
          notAfter: clock.now() + authorityLifetimeMs,
        });
      }
      return ca;
    },
  });
}

/** A name that no other CA has. */
export function createAuthorityName(): string {
  return `curfew-ca-${crypto.randomUUID()}`;
}
