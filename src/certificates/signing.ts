/**
 * A certificate source that signs its own leaf, in memory, from a CA that it asks for. No leaf key is ever stored, and
 * replicas that share a CA need no leader.
 */

import type { Clock } from '../kube/clock.ts';
import type { KubeLog } from '../kube/log.ts';
import { describeError } from '../kube/sentences.ts';
import { type Authorities, isDue, toBundle } from './authorities.ts';
import { type CertificateAuthority, issueServingCertificate, type ServingCertificate } from './issue.ts';
import { createRepeater } from './repeat.ts';
import { type CertificateSource, createCurrentCertificate, toSource } from './source.ts';

/** Of a leaf, in ms: a month. */
export const DEFAULT_LEAF_LIFETIME_MS = 30 * 24 * 3600_000;

export type SigningOptions = {
  /**
   * The CA to sign with now and those still trusted: asked at every check, so that a CA which somebody else has replaced
   * is noticed. `inUse` is the certificate of the CA whose leaf is served: it must stay trusted.
   */
  authorities(signal: AbortSignal, inUse: string | undefined): Promise<Authorities>;
  /**
   * Whether clients have trusted this bundle for long enough to be shown a leaf of any CA in it. By default they do at
   * once: nobody else is told of it.
   */
  readonly isBundleKnown?: (bundle: string) => boolean;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** In ms; the leaf is renewed after two thirds of it. */
  readonly leafLifetimeMs?: number;
  /** How often the CA and the time are looked at, in ms. */
  readonly checkIntervalMs?: number;
  readonly clock: Clock;
  readonly log: KubeLog;
};

/** How often to look, in ms, where a leaf lives so long. */
export function toCheckInterval(leafLifetimeMs: number = DEFAULT_LEAF_LIFETIME_MS): number {
  return Math.min(10_000, leafLifetimeMs / 30);
}

/** Makes the first leaf and returns the source of it and its successors. Rejects if there is no CA. */
export async function createSigningSource(options: SigningOptions): Promise<CertificateSource> {
  const { authorities, isBundleKnown = () => true, clock, log, leafLifetimeMs, checkIntervalMs } = options;
  const startedAt = clock.now();
  const first = await authorities(new AbortController().signal, undefined);
  let ca = first.signing;
  let problem: string | undefined;
  const current = createCurrentCertificate({ ...(await sign(options, ca)), caBundle: toBundle(first) }, startedAt);

  const check = async (signal: AbortSignal) => {
    try {
      const lookedAt = clock.now();
      const wanted = await authorities(signal, ca.cert);
      current.confirm(lookedAt);
      const caBundle = toBundle(wanted);
      if (caBundle !== current.current().caBundle) {
        // The bundle first, with the old leaf: see `authorities.ts`.
        current.replace({ ...current.current(), caBundle });
        log.info({}, 'the CA bundle changed');
      }
      const newAuthority = wanted.signing.cert !== ca.cert && mayReplace(ca, caBundle);
      if (newAuthority || isDue(current.current(), clock.now())) {
        const next = newAuthority ? wanted.signing : ca;
        const leaf = await sign(options, next);
        ca = next;
        current.replace({ ...leaf, caBundle });
        log.info({ notAfter: new Date(leaf.notAfter).toISOString(), newAuthority }, 'serving certificate renewed');
      }
      problem = undefined;
    } catch (error) {
      if (signal.aborted) return;
      // The certificate in use stays. Said once, not every ten seconds.
      const why = describeError(error);
      if (problem === undefined) log.warn({ why }, 'serving certificate not checked, will try again');
      problem = why;
    }
  };

  /** A CA that ends signs nothing that lasts, whether anybody trusts its successor or not. */
  function mayReplace(old: CertificateAuthority, bundle: string): boolean {
    return isBundleKnown(bundle) || old.notAfter <= clock.now() || current.current().notAfter <= clock.now();
  }

  // By the wall clock in short steps, not by one long timer: a suspended machine stops the clock that timers use.
  const intervalMs = checkIntervalMs ?? toCheckInterval(leafLifetimeMs);
  const repeater = createRepeater(check, { clock, intervalMs });
  return toSource(current, repeater, () => problem);
}

async function sign(options: SigningOptions, ca: CertificateAuthority): Promise<ServingCertificate> {
  const { dnsNames, ipAddresses, clock, leafLifetimeMs = DEFAULT_LEAF_LIFETIME_MS } = options;
  const now = clock.now();
  return issueServingCertificate({ ca, dnsNames, ipAddresses, notBefore: now, notAfter: now + leafLifetimeMs });
}
