/** `curfew check` beside the API server: the same manifest must get the same words from both. */

import type { Example } from '../src/checks/define-check.ts';
import { findClusterFacts } from '../src/cli/cluster-facts.ts';
import { checkManifests } from '../src/manifests/check-manifests.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../src/policy/configuration.ts';

export type Words = {
  /** The text of the denial, each line of it; empty where nothing is denied. */
  readonly denial: readonly string[];
  /** In any order. */
  readonly warnings: readonly string[];
};

/**
 * What differs for a reason: names that are drawn, the time, words for what the API server fills in (the key of a Secret
 * that was written as text, a lifetime that was left out), and why something is not known.
 */
const DIFFERENCES: readonly (readonly [RegExp, string])[] = [
  [/(kube-api-access-)[a-z0-9]{5}/g, '$1xxxxx'],
  [/\d{4}-\d\d-\d\dT[\d:]+Z/g, 'TIME'],
  [/\d+ s from now/g, 'N s from now'],
  [/ at \/stringData\//g, ' at /data/'],
  [/(\/serviceAccountToken)\/expirationSeconds$/gm, '$1'],
  [/no expirationSeconds, which means 3600,/g, 'expirationSeconds: 3600'],
  [/the index of token Secrets is off|it does not exist|it is not among the manifests/g, 'WHY'],
];

/** True for what can be written down before there is a cluster: a new object, whoever sends it. */
export function isManifest({ subject }: Example): boolean {
  return subject.operation !== 'UPDATE' && subject.caller === undefined && subject.object['kind'] !== 'TokenRequest';
}

/** What `curfew check` says of the last of `manifests`, with the others as its world. */
export function checkOffline(manifests: readonly JsonObject[], keys: JsonObject): Words {
  const read = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, ...keys });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const { objects, judged } = checkManifests(
    manifests.map((manifest, index) => ({ file: `${index}.json`, text: JSON.stringify(manifest) })),
    {
      configuration: read.configuration,
      cluster: findClusterFacts(read.configuration, undefined).facts,
      now: Date.now(),
      release: 'curfew',
      level: undefined,
      namespace: 'default',
    },
  );
  const last = objects.find(({ file }) => file === judged.at(-1)?.file)?.judged.verdict;
  return {
    denial: toLines(last?.denial ?? ''),
    warnings: (last?.warnings ?? []).map(normalise).toSorted(),
  };
}

/** What kubectl printed. */
export function toWords(stderr: string): Words {
  const lines = stderr.split('\n');
  const [, denial = ''] = stderr.split(/ denied the request: ?/);
  return {
    denial: toLines(denial.replaceAll(/^Warning: .*$/gm, '')),
    warnings: lines
      .filter((line) => line.startsWith('Warning: curfew '))
      .map((line) => normalise(line.slice('Warning: '.length)))
      .toSorted(),
  };
}

function toLines(text: string): readonly string[] {
  return normalise(text)
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
}

function normalise(text: string): string {
  return DIFFERENCES.reduce((changed, [from, to]) => changed.replaceAll(from, to), text);
}
