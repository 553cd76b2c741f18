/** Where the server's certificate comes from: one interface, so that the server does not know and need not ask. */

import type { ServingCertificate } from './issue.ts';
import type { Repeater } from './repeat.ts';

export type CertificateSource = {
  /** The certificate to serve now. Always there: a source is made only once it has its first certificate. */
  current(): ServingCertificate;
  /** When the last look at where certificates come from began that found what is there, in ms since the epoch. */
  checkedAt(): number;
  /** What is wrong where certificates come from, as a sentence; undefined if nothing is. The certificate in use stays. */
  problem(): string | undefined;
  /** Calls `listener` after `current` has changed; returns the function that ends that. */
  onChange(listener: (certificate: ServingCertificate) => void): () => void;
  /** Begins to renew or reload. */
  start(): void;
  stop(): Promise<void>;
};

/** The certificate now in use, and who wants to know of a new one. */
export type CurrentCertificate = Pick<CertificateSource, 'current' | 'onChange' | 'checkedAt'> & {
  replace(certificate: ServingCertificate): void;
  /** What is there was found by a look that began at this time, in ms since the epoch. */
  confirm(startedAt: number): void;
};

/** @param startedAt - when the look began that found `first`, in ms since the epoch */
export function createCurrentCertificate(first: ServingCertificate, startedAt: number): CurrentCertificate {
  const listeners = new Set<(certificate: ServingCertificate) => void>();
  let current = first;
  let checkedAt = startedAt;
  return {
    current: () => current,
    checkedAt: () => checkedAt,
    confirm: (at) => {
      checkedAt = at;
    },
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

/** The source of what `current` holds and `repeater` looks after. */
export function toSource(
  { current, checkedAt, onChange }: CurrentCertificate,
  { start, stop }: Repeater,
  problem: () => string | undefined,
): CertificateSource {
  return { current, checkedAt, problem, onChange, start, stop };
}
