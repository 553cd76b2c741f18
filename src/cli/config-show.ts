/** `curfew config show [FILE]`: what is in force, and where each value is from. */

import { CHECKS } from '../checks/registry.ts';
import type { OwnToken } from '../kube/own-token.ts';
import type { JsonObject, JsonPath, JsonValue } from '../objects/json.ts';
import { isObject, valueAt } from '../objects/json.ts';
import { isNewerThan } from '../policy/catalogue.ts';
import type { Configuration } from '../policy/configuration.ts';
import { toEffectiveFile } from '../policy/effective-file.ts';
import { formatEnd, stateOf } from '../policy/exemption.ts';
import { migrateFile } from '../policy/migrations.ts';
import { PLATFORM_NAMESPACES } from '../policy/platform-namespaces.ts';
import { SYSTEM_NAMESPACE, UNWATCHED_NAMESPACES } from '../policy/scope.ts';
import { formatRows } from '../reports/text-table.ts';
import { findClusterFacts } from './cluster-facts.ts';
import type { LoadedConfiguration } from './configuration-file.ts';

export type ShowOptions = {
  readonly ownToken: OwnToken | undefined;
  /** The namespace Curfew runs in, if it is known. */
  readonly ownNamespace: string | undefined;
  /** In ms since the epoch. */
  readonly now: number;
};

type Row = readonly string[];

/** Tables for people: values, skipped namespaces, exemptions, checks that do not do all of their work. */
export function showConfiguration({ configuration, parsed }: LoadedConfiguration, options: ShowOptions): string {
  const { file } = migrateFile(parsed);
  const sections: readonly (readonly [string, readonly Row[]])[] = [
    [
      'Values: where each is from, and what it is',
      [...listValues(configuration, file), ...listFacts(configuration, options)],
    ],
    ['Namespaces that are skipped, and why', listSkipped(configuration, options)],
    ['Exemptions', listExemptions(configuration, options.now)],
    ['Checks that do not do all of their work, and why', listUnavailable(configuration)],
  ];
  return sections.map(([title, rows]) => `${title}:\n${formatRows(rows.length === 0 ? [['none']] : rows)}`).join('\n');
}

function listValues(configuration: Configuration, file: unknown): readonly Row[] {
  const { apiVersion: _apiVersion, kind: _kind, cluster: _cluster, ...values } = toEffectiveFile(configuration);
  const unset = configuration.catalogue === undefined ? [['catalogue', 'default', 'not pinned']] : [];
  return [
    ...unset,
    ...listLeaves(values).map(({ path, value }) => [
      path.join('.'),
      valueAt(file, path) === undefined ? 'default' : 'file',
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  ];
}

function listFacts(configuration: Configuration, { ownToken }: ShowOptions): readonly Row[] {
  const { facts, origins } = findClusterFacts(configuration, ownToken);
  return (['apiAudiences', 'issuers'] as const).map((key) => [
    `cluster.${key}`,
    origins[key],
    JSON.stringify(facts[key]),
  ]);
}

/** Every value that is no object; an empty object is one too. The file is an object of a few levels. */
function listLeaves(file: JsonObject): readonly { readonly path: JsonPath; readonly value: JsonValue }[] {
  const leaves: { readonly path: JsonPath; readonly value: JsonValue }[] = [];
  const walk = (value: JsonValue, path: JsonPath): void => {
    if (!isObject(value) || Object.keys(value).length === 0) leaves.push({ path, value });
    else for (const [key, below] of Object.entries(value)) walk(below, [...path, key]);
  };
  for (const [key, value] of Object.entries(file)) walk(value, [key]);
  return leaves;
}

function listSkipped(configuration: Configuration, { ownNamespace }: ShowOptions): readonly Row[] {
  const { excludedNamespacesOfFile, excludedNamespaceSets } = configuration;
  return [
    [ownNamespace ?? '(unknown here)', "Curfew's own namespace"],
    ...UNWATCHED_NAMESPACES.map((name) => [name, 'holds nothing but leases and public facts']),
    ...excludedNamespacesOfFile.map((name) => [name, 'excludedNamespaces']),
    ...excludedNamespaceSets.flatMap((set) =>
      PLATFORM_NAMESPACES[set].map((name) => [name, `excludedNamespaceSets: ${set}`]),
    ),
    [SYSTEM_NAMESPACE, 'is not skipped: warned about and audited; only bootstrap tokens are denied'],
  ];
}

function listExemptions({ exemptions }: Configuration, now: number): readonly Row[] {
  return exemptions.map((exemption) => [
    exemption.name,
    stateOf(exemption, now),
    formatEnd(exemption),
    exemption.owner,
    exemption.checks === undefined ? 'all checks' : [...exemption.checks].join(', '),
  ]);
}

function listUnavailable({ checks, catalogue, secretIndex }: Configuration): readonly Row[] {
  return CHECKS.flatMap(({ id, needs, since }) => {
    const mode = checks.get(id)?.mode ?? 'enforce';
    if (mode === 'off') return [[id, `is switched off by checks.${id}.mode`]];
    const reasons: string[] = [];
    if (needs.includes('tokenSecrets') && !secretIndex) {
      reasons.push('cannot know which Secrets hold tokens: secretIndex is false');
    }
    if (mode !== 'enforce') reasons.push(`does no more than ${mode}, by checks.${id}.mode`);
    if (isNewerThan(since, catalogue)) reasons.push(`only warns: it is newer than the pinned catalogue ${catalogue}`);
    return reasons.map((reason) => [id, reason]);
  });
}
