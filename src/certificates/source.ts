/** Where the server's certificate comes from: one interface, so that the server does not know and need not ask. */

import type { ServingCertificate } from './issue.ts';

export type CertificateSource = {
  /** The certificate to serve now. Always there: a source is made only once it has its first certificate. */
  current(): ServingCertificate;
  /** When the last look at where certificates come from began that found what is there, in ms since the epoch. */
  checkedAt(): number;
  /** Calls `listener` after `current` has changed; returns the function that ends that. */
  onChange(listener: (certificate: ServingCertificate) => void): () => void;
  /** Begins to renew or reload. */
  start(): void;
  stop(): Promise<void>;
};

/** The certificate now in use, and who wants to know of a new one. */
export type CurrentCertificate = Pick<CertificateSource, 'current' | 'onChange'> & {
  replace(certificate: ServingCertificate): void;
};

export function createCurrentCertificate(first: ServingCertificate): CurrentCertificate {
  const listeners = new Set<(certificate: ServingCertificate) => void>();
  let current = first;
  return {
    current: () => current,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    replace: (certificate) => {
      current = certificate;
      for (const listener of listeners) listener(certificate);
    },
  };
}
