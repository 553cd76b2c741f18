/** `curfew explain-token`: reads a token from a file or standard input and says what it is. It is never an argument. */

import { open } from 'node:fs/promises';
import { createSystemClock, runWithDeadline } from '../kube/clock.ts';
import { readOwnToken } from '../kube/own-token.ts';
import { reviewToken } from '../kube/token-review.ts';
import { decodeJwtClaims, MAX_JWT_CHARACTERS } from '../objects/jwt.ts';
import { readTokenFacts } from '../objects/pasted-tokens/token-facts.ts';
import { renderTokenPage } from '../reports/token-page.ts';
import { findClusterFacts } from './cluster-facts.ts';
import type { CommandIo } from './commands/context.ts';
import { loadConfigurationFile } from './configuration-file.ts';
import type { ClusterChoice } from './connect-cluster.ts';
import { connectCluster } from './connect-cluster.ts';
import { STANDARD_INPUT } from './input-files.ts';

export type ExplainTokenOptions = ClusterChoice & {
  readonly config?: string;
  /** Ask the cluster whether it accepts it. */
  readonly verify: boolean;
};

const REQUEST_MS = 15_000;

/** More than a token, and a newline. */
const MOST_BYTES = MAX_JWT_CHARACTERS + 16;

/**
 * Writes the page, and returns 1 if the cluster was asked and refuses the token.
 *
 * @throws Error with a sentence that says what is there instead of a token, and nothing of it
 */
export async function explainToken(file: string, options: ExplainTokenOptions, io: CommandIo): Promise<0 | 1> {
  if (decodeJwtClaims(file) !== undefined) {
    throw new Error('a token is never an argument, where every process and the history of the shell see it; use -');
  }
  const token = (await readStart(file, io.input)).trim().replace(/^Bearer\s+/i, '');
  const where = file === STANDARD_INPUT ? 'standard input' : file;
  if (token === '') throw new Error(`${where} is empty; a token is expected`);
  const claims = decodeJwtClaims(token);
  if (claims === undefined) {
    const parts = token.split('.').length;
    throw new Error(`${where} holds no token: three parts of base64url are expected, with dots between; ${parts} seen`);
  }
  const facts = readTokenFacts(claims);
  if (facts === undefined) {
    throw new Error(`${where} holds a token, but not of a Kubernetes service account: its claims name none`);
  }
  const { configuration } = await loadConfigurationFile(options.config);
  const { facts: cluster, origins } = findClusterFacts(configuration, await readOwnToken());
  const verdict = options.verify ? await ask(token, options, io.signal) : undefined;
  io.write(
    renderTokenPage(facts, {
      now: Date.now(),
      apiAudiences: cluster.apiAudiences,
      isAssumed: origins.apiAudiences === 'assumed',
      ...(verdict === undefined ? {} : { verdict: verdict.text }),
    }),
  );
  return verdict?.isAccepted === false ? 1 : 0;
}

async function ask(
  token: string,
  options: ClusterChoice,
  signal: AbortSignal,
): Promise<{ readonly isAccepted: boolean; readonly text: string }> {
  const client = await connectCluster(options);
  const verdict = await runWithDeadline(async (limited) => await reviewToken(client, token, limited), {
    clock: createSystemClock(),
    ms: REQUEST_MS,
    signal,
  });
  return verdict.state === 'accepted'
    ? { isAccepted: true, text: `${client.server} accepts it, as ${verdict.username}` }
    : { isAccepted: false, text: `${client.server} refuses it: ${verdict.why}` };
}

/** A whole file is not read: what is longer is no token. */
async function readStart(file: string, input: AsyncIterable<Uint8Array>): Promise<string> {
  if (file !== STANDARD_INPUT) return await readStartOfFile(file);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > MOST_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function readStartOfFile(file: string): Promise<string> {
  try {
    await using handle = await open(file, 'r');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    // Not by its name, which may be what was meant to be in it.
    throw new Error(`the file cannot be read (${code})`, { cause: error });
  }
}
