/**
 * With `CURFEW_RECORD=1`: two scrapes of a real run, written where the tests of the alerts read them. Only what alerts
 * ask about is kept, so that the file can be read by a person.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstalledCurfew } from './installed-curfew.ts';
import type { TestCluster } from './test-cluster.ts';

const FILE = join(import.meta.dirname, '..', 'test', 'contract', 'recorded-series.txt');

/** The entries whose histogram is kept; the others are as long. */
const KEPT_ENTRIES = /entry="(\/validate\/(pods|secrets|token-requests)|none)"/;
const KEPT =
  /^(curfew_|apiserver_admission_webhook_(fail_open|rejection)_count\{|apiserver_request_total\{.*resource="serviceaccounts".*subresource="token"|serviceaccount_)/;

export type Recording = {
  /** The second scrape of Curfew. */
  again(): Promise<void>;
  /** The second scrape of the API server; writes all. */
  finish(): Promise<void>;
};

const NOTHING: Recording = { again: async () => undefined, finish: async () => undefined };

/** Makes the first of two scrapes of both. */
export async function recordScrapes({ must }: TestCluster, { operationsUrl }: InstalledCurfew): Promise<Recording> {
  if (process.env['CURFEW_RECORD'] !== '1') return NOTHING;
  const startedAt = Date.now();
  const readOwn = async () => read(await (await fetch(`${operationsUrl}/metrics`)).text());
  const readServers = async () => read(await must(['get', '--raw', '/metrics']));
  const [firstOwn, firstServers] = [await readOwn(), await readServers()];
  let lines: readonly string[] = [];
  return {
    async again() {
      lines = toLines(firstOwn, await readOwn());
    },
    async finish() {
      const head = [
        '# Two scrapes of a real run (CURFEW_RECORD=1, e2e/monitoring.test.ts): a series, its first value, its second one.',
        `# recorded at ${Math.round(startedAt / 1000)}`,
      ];
      await writeFile(FILE, [...head, ...lines, ...toLines(firstServers, await readServers()), ''].join('\n'));
    },
  };
}

function toLines(first: ReadonlyMap<string, string>, second: ReadonlyMap<string, string>): readonly string[] {
  return [...second].map(([series, value]) => `${series} ${first.get(series) ?? '_'} ${value}`);
}

function read(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').filter((line) => {
    return KEPT.test(line) && (!line.includes('entry="') || KEPT_ENTRIES.test(line));
  });
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]));
}
