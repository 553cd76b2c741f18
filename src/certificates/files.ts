/**
 * A certificate source that reads files: a mounted Secret of cert-manager, or an administrator's own.
 *
 * The kubelet swaps the whole folder by a symlink (`..data`), so a file's own watcher sees nothing: the contents are
 * read again every few seconds, which costs less than a watcher's corner cases.
 */

import { open } from 'node:fs/promises';
import type { Clock } from '../kube/clock.ts';
import type { KubeLog } from '../kube/log.ts';
import { asString, member } from '../objects/json.ts';
import { findBundleProblem, findChainProblem, findMissingName, judgeServing } from './authority.ts';
import type { ServingCertificate } from './issue.ts';
import { createRepeater } from './repeat.ts';
import { type CertificateSource, createCurrentCertificate, toSource } from './source.ts';

const MAX_FILE_BYTES = 1024 * 1024;

/**
 * How much later than this replica another one may see the same files, in ms. Kubelets look at Secrets about once a minute
 * (`syncFrequency`, and a cache before it), so until then a replica shows a leaf of the old CA and a published bundle that
 * holds its certificate is not to be narrowed.
 */
const VOLUME_LAG_MS = 10 * 60_000;

const WAITING = 'A new serving certificate waits until the webhook configurations have its CA.';

export type FileSourceOptions = {
  /** PEM: the serving certificate, then the rest of its chain. */
  readonly certFile: string;
  readonly keyFile: string;
  /** PEM: what becomes `caBundle`. */
  readonly caFile?: string;
  /** DNS names and IP addresses that the certificate must be for. */
  readonly servingNames?: readonly string[];
  /** As for a source that signs: whether clients have trusted this bundle for long enough. By default they do at once. */
  readonly isBundleKnown?: (bundle: string) => boolean;
  /** How often the files are read, in ms. */
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: KubeLog;
};

type Loaded =
  | { readonly state: 'good'; readonly certificate: ServingCertificate }
  /** A sentence that names the file. */
  | { readonly state: 'bad'; readonly why: string };

/** Reads and judges the files; rejects with a sentence that names the file if they cannot be served. */
export async function createFileSource(options: FileSourceOptions): Promise<CertificateSource> {
  const { clock, log, intervalMs, isBundleKnown = () => true } = options;
  const startedAt = clock.now();
  const first = await load(options);
  if (first.state === 'bad') throw new Error(first.why);
  const current = createCurrentCertificate(first.certificate, startedAt - VOLUME_LAG_MS);
  /** That of the leaf in use: who trusts it trusts the leaf. */
  let bundleOfLeaf = first.certificate.caBundle;
  let problem: string | undefined;

  const check = async () => {
    const lookedAt = clock.now();
    const next = await load(options);
    if (next.state === 'bad') {
      // Between two files of a pair a swap may happen: refused now, read whole at the next look.
      if (next.why !== problem) log.warn({ why: next.why }, 'new serving certificate refused, the old one stays');
      problem = next.why;
      return;
    }
    current.confirm(lookedAt - VOLUME_LAG_MS);
    const { cert, key, caBundle } = next.certificate;
    if (caBundle !== current.current().caBundle) {
      // The bundle first, with the old leaf: see `authorities.ts`.
      const { caBundle: _old, ...leaf } = current.current();
      current.replace(caBundle === undefined ? leaf : { ...leaf, caBundle });
      log.info({}, 'the CA bundle changed');
    }
    const before = current.current();
    const isNew = cert !== before.cert || key !== before.key;
    if (isNew && !mayReplace(before, caBundle)) {
      if (problem !== WAITING) log.info({}, WAITING);
      problem = WAITING;
      return;
    }
    problem = undefined;
    if (!isNew) return;
    bundleOfLeaf = caBundle;
    current.replace(next.certificate);
    log.info({ notAfter: new Date(next.certificate.notAfter).toISOString() }, 'serving certificate reloaded');
  };

  /** A leaf that has ended convinces nobody, whether its successor is trusted or not. */
  function mayReplace(old: ServingCertificate, bundle: string | undefined): boolean {
    return bundle === undefined || bundle === bundleOfLeaf || isBundleKnown(bundle) || old.notAfter <= clock.now();
  }

  const repeater = createRepeater(check, { clock, intervalMs });
  return toSource(current, repeater, () => problem);
}

async function load({ certFile, keyFile, caFile, servingNames = [], clock }: FileSourceOptions): Promise<Loaded> {
  try {
    const cert = await readText(certFile);
    const key = await readText(keyFile);
    const caBundle = caFile === undefined ? undefined : await readText(caFile);
    const refuse = (reason: string): Loaded => ({
      state: 'bad',
      why: `Certificate ${certFile} with key ${keyFile} cannot be used: ${reason}.`,
    });
    const judged = judgeServing(cert, key, clock.now());
    if (judged.state === 'bad') return refuse(judged.reason);
    const missing = findMissingName(cert, servingNames);
    if (missing !== undefined) return refuse(`it is not for ${missing}, by which API servers call`);
    if (caBundle === undefined) return { state: 'good', certificate: judged.pair };
    const problem = findBundleProblem(caBundle) ?? findChainProblem(cert, caBundle);
    if (problem !== undefined) return { state: 'bad', why: `CA file ${caFile} cannot be used: ${problem}.` };
    return { state: 'good', certificate: { ...judged.pair, caBundle } };
  } catch (error) {
    // Only `readText` throws, and only with its own sentences.
    return { state: 'bad', why: error instanceof Error ? error.message : 'A certificate file cannot be read.' };
  }
}

/** Rejects with a sentence that names the file. */
export async function readText(path: string): Promise<string> {
  let size: number;
  try {
    await using file = await open(path, 'r');
    ({ size } = await file.stat());
    if (size <= MAX_FILE_BYTES) return await file.readFile('utf8');
  } catch (error) {
    throw new Error(`File ${path} cannot be read (${asString(member(error, 'code')) ?? 'unknown error'}).`);
  }
  throw new Error(`File ${path} is larger than ${MAX_FILE_BYTES} bytes.`);
}
