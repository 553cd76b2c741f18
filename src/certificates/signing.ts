/**
 * A certificate source that signs its own leaf, in memory, from a CA that it asks for. No leaf key is ever stored, and
 * replicas that share a CA need no leader.
 */

import type { Clock } from '../kube/clock.ts';
import type { KubeLog } from '../kube/log.ts';
import { describeError } from '../kube/sentences.ts';
import { type CertificateAuthority, issueServingCertificate, type ServingCertificate } from './issue.ts';
import { createRepeater } from './repeat.ts';
import { type CertificateSource, createCurrentCertificate } from './source.ts';

const DEFAULT_LEAF_LIFETIME_MS = 30 * 24 * 3600_000;
const DEFAULT_CHECK_INTERVAL_MS = 10_000;

export type SigningOptions = {
  /**
   * The CA to sign with now: asked at every check, so a CA that another replica has replaced is noticed. The seam for
   * rotation: whoever answers decides when there is a new CA.
   */
  authority(signal: AbortSignal): Promise<CertificateAuthority>;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** In ms; the leaf is renewed after two thirds of it. */
  readonly leafLifetimeMs?: number;
  /** How often the CA and the time are looked at, in ms. */
  readonly checkIntervalMs?: number;
  readonly clock: Clock;
  readonly log: KubeLog;
};

/** Makes the first leaf and returns the source of it and its successors. Rejects if there is no CA. */
export async function createSigningSource(options: SigningOptions): Promise<CertificateSource> {
  const { authority, clock, log } = options;
  let ca = await authority(new AbortController().signal);
  let isFailing = false;
  const current = createCurrentCertificate(await sign(options, ca));
  const check = async (signal: AbortSignal) => {
    try {
      const wanted = await authority(signal);
      const isNewAuthority = wanted.cert !== ca.cert;
      if (isNewAuthority || isDue(current.current(), clock.now())) {
        const leaf = await sign(options, wanted);
        ca = wanted;
        current.replace(leaf);
        log.info(
          { notAfter: new Date(leaf.notAfter).toISOString(), newAuthority: isNewAuthority },
          'serving certificate renewed',
        );
      }
      isFailing = false;
    } catch (error) {
      if (signal.aborted) return;
      // The certificate in use stays. Said once, not every ten seconds.
      if (!isFailing) log.warn({ why: describeError(error) }, 'serving certificate not checked, will try again');
      isFailing = true;
    }
  };
  // By the wall clock in short steps, not by one long timer: a suspended machine stops the clock that timers use.
  const repeater = createRepeater(check, { clock, intervalMs: options.checkIntervalMs ?? DEFAULT_CHECK_INTERVAL_MS });
  return { current: current.current, onChange: current.onChange, start: repeater.start, stop: repeater.stop };
}

/** Two thirds of its life are over. */
export function isDue(certificate: Pick<ServingCertificate, 'notBefore' | 'notAfter'>, now: number): boolean {
  const { notBefore, notAfter } = certificate;
  return now >= notBefore + ((notAfter - notBefore) * 2) / 3;
}

async function sign(options: SigningOptions, ca: CertificateAuthority): Promise<ServingCertificate> {
  const { dnsNames, ipAddresses, clock, leafLifetimeMs = DEFAULT_LEAF_LIFETIME_MS } = options;
  const now = clock.now();
  return issueServingCertificate({ ca, dnsNames, ipAddresses, notBefore: now, notAfter: now + leafLifetimeMs });
}
