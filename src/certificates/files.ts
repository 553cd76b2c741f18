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
import { findBundleProblem, judgeServing } from './authority.ts';
import type { ServingCertificate } from './issue.ts';
import { createRepeater } from './repeat.ts';
import { type CertificateSource, createCurrentCertificate, toSource } from './source.ts';

const DEFAULT_INTERVAL_MS = 5000;
const MAX_FILE_BYTES = 1024 * 1024;

export type FileSourceOptions = {
  /** PEM: the serving certificate, then the rest of its chain. */
  readonly certFile: string;
  readonly keyFile: string;
  /** PEM: what becomes `caBundle`. */
  readonly caFile?: string;
  /** How often the files are read, in ms. */
  readonly intervalMs?: number;
  readonly clock: Clock;
  readonly log: KubeLog;
};

type Loaded =
  | { readonly state: 'good'; readonly certificate: ServingCertificate }
  /** A sentence that names the file. */
  | { readonly state: 'bad'; readonly why: string };

/** Reads and judges the files; rejects with a sentence that names the file if they cannot be served. */
export async function createFileSource(options: FileSourceOptions): Promise<CertificateSource> {
  const { clock, log } = options;
  const startedAt = clock.now();
  const first = await load(options);
  if (first.state === 'bad') throw new Error(first.why);
  const current = createCurrentCertificate(first.certificate, startedAt);
  let lastRefusal: string | undefined;
  const check = async () => {
    const lookedAt = clock.now();
    const next = await load(options);
    if (next.state === 'bad') {
      // Between two files of a pair a swap may happen: refused now, read whole at the next look.
      if (next.why !== lastRefusal) {
        log.warn({ why: next.why }, 'new serving certificate refused, the old one stays');
      }
      lastRefusal = next.why;
      return;
    }
    lastRefusal = undefined;
    current.confirm(lookedAt);
    const { cert, key, caBundle, notAfter } = next.certificate;
    const before = current.current();
    if (cert === before.cert && key === before.key && caBundle === before.caBundle) return;
    current.replace(next.certificate);
    log.info({ notAfter: new Date(notAfter).toISOString() }, 'serving certificate reloaded');
  };
  const repeater = createRepeater(check, { clock, intervalMs: options.intervalMs ?? DEFAULT_INTERVAL_MS });
  return toSource(current, repeater);
}

async function load({ certFile, keyFile, caFile, clock }: FileSourceOptions): Promise<Loaded> {
  try {
    const cert = await readText(certFile);
    const key = await readText(keyFile);
    const caBundle = caFile === undefined ? undefined : await readText(caFile);
    const judged = judgeServing(cert, key, clock.now());
    if (judged.state === 'bad') {
      return { state: 'bad', why: `Certificate ${certFile} with key ${keyFile} cannot be used: ${judged.reason}.` };
    }
    if (caBundle === undefined) return { state: 'good', certificate: judged.pair };
    const problem = findBundleProblem(caBundle);
    if (problem !== undefined) return { state: 'bad', why: `CA file ${caFile} cannot be used: ${problem}.` };
    return { state: 'good', certificate: { ...judged.pair, caBundle } };
  } catch (error) {
    // Only `readText` throws, and only with its own sentences.
    return { state: 'bad', why: error instanceof Error ? error.message : 'A certificate file cannot be read.' };
  }
}

async function readText(path: string): Promise<string> {
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
