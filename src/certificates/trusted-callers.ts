/** The CA of those who may call, read from a file again and again as a mounted ConfigMap or Secret changes. */

import type { Clock } from '../kube/clock.ts';
import type { KubeLog } from '../kube/log.ts';
import { findBundleProblem } from './authority.ts';
import { readText } from './files.ts';
import { createRepeater } from './repeat.ts';

export type TrustedCallers = {
  /** PEM: whose leaves are believed now. */
  bundle(): string;
  /** What is wrong with the file, as a sentence; undefined if nothing is. The CA in use stays. */
  problem(): string | undefined;
  /** Calls `listener` after the bundle has changed. */
  onChange(listener: () => void): void;
  /** Begins to reload. */
  start(): void;
  stop(): Promise<void>;
};

export type TrustedCallersOptions = {
  readonly caFile: string;
  /** How often the file is read, in ms. */
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: KubeLog;
};

/** Reads and judges the file; rejects with a sentence that names it if it holds no certificates. */
export async function createTrustedCallers(options: TrustedCallersOptions): Promise<TrustedCallers> {
  const { caFile, clock, intervalMs, log } = options;
  const listeners = new Set<() => void>();
  let bundle = await load(caFile);
  let problem: string | undefined;
  const check = async () => {
    try {
      const next = await load(caFile);
      problem = undefined;
      if (next === bundle) return;
      bundle = next;
      for (const listener of listeners) listener();
      log.info({}, 'CA of callers reloaded');
    } catch (error) {
      // `load` throws its own sentences only.
      const why = error instanceof Error ? error.message : 'The CA of callers cannot be read.';
      if (why !== problem) log.warn({ why }, 'new CA of callers refused, the old one stays');
      problem = why;
    }
  };
  return {
    ...createRepeater(check, { clock, intervalMs }),
    bundle: () => bundle,
    problem: () => problem,
    onChange: (listener) => void listeners.add(listener),
  };
}

async function load(caFile: string): Promise<string> {
  const text = await readText(caFile);
  const problem = findBundleProblem(text);
  if (problem !== undefined) throw new Error(`CA file ${caFile} cannot be used: ${problem}.`);
  return text;
}
