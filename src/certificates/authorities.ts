/**
 * The CA that signs now, and those that signed before it. Both are published together: a replica serves a leaf of a new
 * CA only once the API server is known to trust it, and the API server trusts the old one until the last leaf of it has
 * ended. So a CA is replaced without a call that fails, whoever replaces it and in whatever order replicas notice.
 */

import { X509Certificate } from 'node:crypto';
import type { CertificateAuthority } from './issue.ts';

export type Authorities = {
  readonly signing: CertificateAuthority;
  /** PEM certificates of those that signed before and are still trusted, newest first. */
  readonly previous: readonly string[];
};

/** More would only grow what the API server reads: each replacement adds one. */
const MOST_PREVIOUS = 4;

/** PEM: what is published as `caBundle`. The same text for every replica. */
export function toBundle({ signing, previous }: Authorities): string {
  return [signing.cert, ...previous].map((cert) => `${cert.trim()}\n`).join('');
}

/** True if who trusts `authorities` trusts leaves of the CA with this certificate. */
export function isTrusted({ signing, previous }: Authorities, cert: string): boolean {
  return [signing.cert, ...previous].some((known) => known.trim() === cert.trim());
}

/**
 * What goes on being trusted beside `signing`: certificates of CAs that have not ended, each once, the first few.
 *
 * @param certs - PEM, newest first; what is no certificate of a CA is left out
 * @param now - ms since the epoch
 */
export function keepPrevious(
  certs: readonly (string | undefined)[],
  { signing, now }: { readonly signing: CertificateAuthority; readonly now: number },
): readonly string[] {
  const kept = new Set<string>();
  for (const cert of certs) {
    const text = cert?.trim();
    if (text !== undefined && text !== signing.cert.trim() && isLivingAuthority(text, now)) kept.add(text);
  }
  return [...kept].slice(0, MOST_PREVIOUS);
}

/** The PEM certificates in a bundle, in its order. */
export function splitBundle(bundle: string): readonly string[] {
  return bundle.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
}

/**
 * What `published` must become so that it holds all of `own`: those, and what else `keeps` says is to stay. Undefined if
 * nothing has to change. A replica that lags behind another one so takes nothing away that it does not know yet.
 */
export function mergeBundle(published: string, own: string, keeps: (cert: string) => boolean): string | undefined {
  const [there, wanted] = [splitBundle(published), splitBundle(own)];
  const others = there.filter((cert) => !wanted.includes(cert));
  const kept = others.filter(keeps).slice(0, MOST_OTHERS);
  const isComplete = wanted.every((cert) => there.includes(cert));
  if (isComplete && kept.length === others.length) return undefined;
  return kept.length === 0 ? own : [...wanted, ...kept].map((cert) => `${cert}\n`).join('');
}

/** Whoever writes thousands of certificates there is not to have them kept. */
const MOST_OTHERS = 4;

/** Two thirds of its life are over, of a CA or a leaf; `now` in ms since the epoch. */
export function isDue(
  { notBefore, notAfter }: { readonly notBefore: number; readonly notAfter: number },
  now: number,
): boolean {
  return now >= notBefore + ((notAfter - notBefore) * 2) / 3;
}

/** When the first CA of a bundle begins and ends, in ms since the epoch; undefined if there is none. */
export function findAuthorityLife(
  bundle: string,
): { readonly notBefore: number; readonly notAfter: number } | undefined {
  const [first] = splitBundle(bundle);
  if (first === undefined) return undefined;
  const { validFromDate, validToDate } = new X509Certificate(first);
  return { notBefore: validFromDate.getTime(), notAfter: validToDate.getTime() };
}

/** True for a PEM certificate of a CA that has not ended; `now` in ms since the epoch. */
export function isLivingAuthority(cert: string, now: number): boolean {
  try {
    const { ca, validToDate } = new X509Certificate(cert);
    return ca && validToDate.getTime() > now;
  } catch {
    return false;
  }
}
