/** Judges key pairs: is this a CA we can sign with, is this a certificate we can serve. Each "no" has its sentence. */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { splitBundle } from './authorities.ts';
import type { CertificateAuthority, ServingCertificate } from './issue.ts';

/** `reason` reads on after "because": `the key does not belong to the certificate`. It quotes nothing of the input. */
export type Judged<Pair> =
  | { readonly state: 'good'; readonly pair: Pair }
  | { readonly state: 'bad'; readonly reason: string };

/** Is this a CA that can sign leaves now: a key pair, EC, a CA, in its time. `now` in ms since the epoch. */
export function judgeAuthority(cert: string, key: string, now: number): Judged<CertificateAuthority> {
  const judged = judgePair(cert, key, now);
  if (judged.state === 'bad') return judged;
  const { certificate, privateKey } = judged.pair;
  if (!certificate.ca) return bad('the certificate is no CA');
  // selfsigned reads the signing key with the type of the leaf's key, which is EC.
  if (privateKey.asymmetricKeyType !== 'ec') return bad('the key is no EC key');
  const { validFromDate, validToDate } = certificate;
  return {
    state: 'good',
    pair: { cert, key, notBefore: validFromDate.getTime(), notAfter: validToDate.getTime() },
  };
}

/** Is this a certificate (its chain may follow it) with its key that can be served now. */
export function judgeServing(cert: string, key: string, now: number): Judged<ServingCertificate> {
  const judged = judgePair(cert, key, now);
  if (judged.state === 'bad') return judged;
  const { validFromDate, validToDate } = judged.pair.certificate;
  return {
    state: 'good',
    pair: { cert, key, notBefore: validFromDate.getTime(), notAfter: validToDate.getTime() },
  };
}

/** Why `bundle` is no PEM of certificates; undefined if it is. The API server refuses a `caBundle` that is not. */
export function findBundleProblem(bundle: string): string | undefined {
  const blocks = splitBundle(bundle);
  if (blocks.length === 0) return 'it holds no PEM certificate';
  return blocks.every((block) => parseCertificate(block) !== undefined) ? undefined : 'a certificate in it is damaged';
}

/** Longer chains are nobody's. */
const LONGEST_CHAIN = 8;

/**
 * Why who trusts `bundle` does not trust what is served, `cert` and the rest of its chain behind it; undefined if they do.
 * What was issued is compared, not dates: of the chain's other certificates those are their owner's matter.
 */
export function findChainProblem(cert: string, bundle: string): string | undefined {
  const chain = splitBundle(cert).slice(0, LONGEST_CHAIN).map(parseCertificate);
  const trusted = splitBundle(bundle).map(parseCertificate);
  let current = chain.shift();
  while (current !== undefined) {
    const child = current;
    const isTrusted = trusted.some(
      (other) => other !== undefined && (other.fingerprint256 === child.fingerprint256 || isIssuedBy(child, other)),
    );
    if (isTrusted) return undefined;
    const next = chain.findIndex((other) => other !== undefined && isIssuedBy(child, other));
    current = next === -1 ? undefined : chain.splice(next, 1)[0];
  }
  return 'the certificate was not issued by one in it';
}

/** Which of `names`, DNS names and IP addresses, the certificate is not for: clients that call by it refuse it. */
export function findMissingName(cert: string, names: readonly string[]): string | undefined {
  const certificate = parseCertificate(cert);
  const isFor = (name: string) =>
    (isIP(name) === 0 ? certificate?.checkHost(name, { subject: 'never' }) : certificate?.checkIP(name)) !== undefined;
  return names.find((name) => !isFor(name));
}

function isIssuedBy(child: X509Certificate, parent: X509Certificate): boolean {
  return parent.ca && child.checkIssued(parent) && child.verify(parent.publicKey);
}

type Pair = { readonly certificate: X509Certificate; readonly privateKey: KeyObject };

function judgePair(cert: string, key: string, now: number): Judged<Pair> {
  const certificate = parseCertificate(cert);
  if (certificate === undefined) return bad('the certificate is no PEM certificate');
  const privateKey = parseKey(key);
  if (privateKey === undefined) return bad('the key is no PEM private key (or has a passphrase)');
  if (!certificate.checkPrivateKey(privateKey)) return bad('the key does not belong to the certificate');
  if (certificate.validToDate.getTime() <= now) {
    return bad(`the certificate ended at ${certificate.validToDate.toISOString()}`);
  }
  return { state: 'good', pair: { certificate, privateKey } };
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function parseKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    // The error of OpenSSL is not passed on: nothing of a key belongs into a message.
    return undefined;
  }
}

function bad(reason: string): { readonly state: 'bad'; readonly reason: string } {
  return { state: 'bad', reason };
}
