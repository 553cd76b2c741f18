/** The certificates of `curfew serve`: where they come from, and who is told what to trust. */

import { writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { createFileSource } from '../certificates/files.ts';
import type { Publisher } from '../certificates/publish.ts';
import { createPublisher } from '../certificates/publish.ts';
import { loadOrCreateAuthorities } from '../certificates/secret-store.ts';
import { createSelfMadeSource } from '../certificates/self-made.ts';
import { createSigningSource, toCheckInterval } from '../certificates/signing.ts';
import type { CertificateSource } from '../certificates/source.ts';
import { createTrustedCallers, type TrustedCallers } from '../certificates/trusted-callers.ts';
import type { KubeClient } from '../kube/api.ts';
import type { Clock } from '../kube/clock.ts';
import { describeError } from '../kube/sentences.ts';
import type { Logger } from '../log/logger.ts';
import type { Configuration } from '../policy/configuration.ts';
import { listPublishedRules } from '../review/entries.ts';

export type CertificateOptions = {
  readonly publishWebhooks?: string;
  readonly compareWebhooks?: string;
  /** NAMESPACE/NAME. */
  readonly certificateSecret?: string;
  readonly certificateOwner?: string;
  readonly servingName: readonly string[];
  /** Of a serving certificate that Curfew signs itself, in seconds. */
  readonly certificateLifetime: number;
  /** Of a CA that Curfew makes, in seconds. */
  readonly authorityLifetime: number;
  readonly caOut?: string;
};

const LOCAL_NAMES = ['localhost', '127.0.0.1', '::1'];

/**
 * In checks of the certificate, and looks at the webhook configurations, which come as often: so long must a bundle be
 * in place before a leaf of a new CA in it is shown. A replica that has not noticed the new CA yet may put the old bundle
 * back for one such interval, and API servers hear of a change some time after it.
 */
const SETTLING = 3;

/** How often files are read, in ms. */
const FILES_MS = 5_000;

type Tools = { readonly client: KubeClient | undefined; readonly clock: Clock; readonly log: Logger };

/** Where the certificate comes from, for metrics and people. */
export type CertificateOrigin = {
  /** Label of a metric. */
  readonly source: 'own' | 'process' | 'cert-manager' | 'secret' | 'files';
  readonly description: string;
};

export function describeOrigin({ certificateSecret }: CertificateOptions, { tls }: Configuration): CertificateOrigin {
  if (tls === undefined) {
    return certificateSecret === undefined
      ? { source: 'process', description: 'own CA of this process' }
      : { source: 'own', description: `own CA in Secret ${certificateSecret}` };
  }
  switch (tls.source) {
    case 'cert-manager':
      return { source: tls.source, description: `of cert-manager, file ${tls.certFile}` };
    case 'secret':
      return { source: tls.source, description: `of a mounted Secret, file ${tls.certFile}` };
    case 'files':
      return { source: tls.source, description: `file ${tls.certFile}` };
  }
}

/** Files if the configuration names them, else a CA shared in a Secret, else one of this process alone. */
export async function createCertificates(
  options: CertificateOptions,
  configuration: Configuration,
  tools: Tools & { readonly signal: AbortSignal; readonly isBundleKnown: (bundle: string) => boolean },
): Promise<CertificateSource> {
  const { client, clock, log, signal, isBundleKnown } = tools;
  if (configuration.tls !== undefined) {
    const { certFile, keyFile, caFile } = configuration.tls;
    const files = { certFile, keyFile, ...(caFile === undefined ? {} : { caFile }) };
    const intervalMs = Math.min(FILES_MS, toCheckInterval(options.certificateLifetime * 1000));
    return await createFileSource({
      ...files,
      servingNames: options.servingName,
      isBundleKnown,
      intervalMs,
      clock,
      log,
    });
  }
  // Two of its leaves must fit into the last third of a CA, in which its successor is published.
  if (options.authorityLifetime < 6 * options.certificateLifetime) {
    throw new Error('--authority-lifetime must be at least six times --certificate-lifetime');
  }
  const names = [...LOCAL_NAMES, ...options.servingName];
  const leafLifetimeMs = options.certificateLifetime * 1000;
  const authorityLifetimeMs = options.authorityLifetime * 1000;
  const signing = {
    dnsNames: names.filter((name) => isIP(name) === 0),
    ipAddresses: names.filter((name) => isIP(name) !== 0),
    leafLifetimeMs,
    isBundleKnown,
    clock,
    log,
  };
  if (options.certificateSecret === undefined) return await createSelfMadeSource({ ...signing, authorityLifetimeMs });
  if (client === undefined) throw new Error('--certificate-secret needs a cluster, and --without-cluster was given');
  const [namespace, name, ...rest] = options.certificateSecret.split('/');
  if (namespace === undefined || name === undefined || name === '' || rest.length > 0) {
    throw new Error(`--certificate-secret ${JSON.stringify(options.certificateSecret)} is not NAMESPACE/NAME`);
  }
  const { certificateOwner } = options;
  const owner = certificateOwner === undefined ? {} : { ownerDeployment: certificateOwner };
  const lifetimes = { lifetimeMs: authorityLifetimeMs, leafLifetimeMs };
  const store = { client, namespace, name, ...owner, ...lifetimes, clock, log };
  return await createSigningSource({
    ...signing,
    authorities: async (checking, inUse) =>
      await loadOrCreateAuthorities({ ...store, signal: AbortSignal.any([signal, checking]) }, inUse),
  });
}

/** Undefined where everybody who reaches the port may call. */
export async function createCallersFor(
  { callerAuthentication }: Configuration,
  { clock, log }: Omit<Tools, 'client'>,
): Promise<TrustedCallers | undefined> {
  if (callerAuthentication === undefined) return undefined;
  return await createTrustedCallers({ caFile: callerAuthentication.caFile, intervalMs: FILES_MS, clock, log });
}

/** Undefined where nothing is to be published. */
export function createPublisherFor(
  { publishWebhooks, compareWebhooks, certificateLifetime }: CertificateOptions,
  certificates: CertificateSource,
  {
    client,
    clock,
    log,
    configuration,
    onLook,
  }: Tools & { readonly configuration: () => Configuration; readonly onLook: (isPublished: boolean) => void },
): Publisher | undefined {
  if (publishWebhooks !== undefined && compareWebhooks !== undefined) {
    throw new Error('--publish-webhooks writes what --compare-webhooks only looks at: give one of the two');
  }
  const name = publishWebhooks ?? compareWebhooks;
  if (name === undefined) return undefined;
  if (client === undefined) {
    const flag = publishWebhooks === undefined ? '--compare-webhooks' : '--publish-webhooks';
    throw new Error(`${flag} needs a cluster, and --without-cluster was given`);
  }
  return createPublisher({
    client,
    isReadOnly: publishWebhooks === undefined,
    configurations: [
      {
        kind: 'ValidatingWebhookConfiguration',
        name,
        rules: () => listPublishedRules('validating', configuration()),
      },
      {
        kind: 'MutatingWebhookConfiguration',
        name,
        rules: () => listPublishedRules('mutating', configuration()),
      },
    ],
    caBundle: () => certificates.current().caBundle,
    bundleAsOf: certificates.checkedAt,
    intervalMs: toCheckInterval(certificateLifetime * 1000),
    onLook,
    clock,
    log,
  });
}

/** Whether everybody who calls has trusted `bundle` for long enough; `now` in ms since the epoch. */
export function isBundleHeld(
  publisher: Publisher | undefined,
  { bundle, options, now }: { readonly bundle: string; readonly options: CertificateOptions; readonly now: number },
): boolean {
  // Who writes it elsewhere has replaced the old one already, or has had both there for long.
  const isWrittenElsewhere = options.publishWebhooks === undefined;
  const settlingMs = isWrittenElsewhere ? 0 : SETTLING * toCheckInterval(options.certificateLifetime * 1000);
  return publisher === undefined || publisher.isBundleHeld(bundle, now - settlingMs);
}

/** Writes the CA to `file`, `-` for standard output, where somebody asked for it. */
export async function writeAuthority(file: string | undefined, certificates: CertificateSource): Promise<void> {
  if (file === undefined) return;
  const { caBundle } = certificates.current();
  if (caBundle === undefined) throw new Error('--ca-out: the CA is not known; set tls.caFile in the configuration');
  // Ends with a newline, whoever made it: the next thing may be a log line or another certificate.
  const text = `${caBundle.trimEnd()}\n`;
  try {
    // Not by a stream, whose errors come later, to nobody: who asked for it needs it.
    if (file === '-') writeSync(process.stdout.fd, text);
    else await writeFile(file, text);
  } catch (error) {
    throw new Error(`--ca-out ${file}: ${describeError(error)}`);
  }
}
