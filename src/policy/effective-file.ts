/** A configuration as the file that would say all of it: every default written out. */

import type { JsonObject, JsonValue } from '../objects/json.ts';
import type { Configuration, RuleSettings } from './configuration.ts';
import { EMPTY_CONFIGURATION_FILE } from './configuration.ts';

/**
 * The whole file but for exemptions, which are shown as what they are. Keys that have no default and are not set are
 * not in it.
 */
export function toEffectiveFile(configuration: Configuration): JsonObject {
  const { catalogue, cluster, callerAuthentication, tls, checks, mutations, namespaces, clusterScoped, levels } =
    configuration;
  return {
    ...EMPTY_CONFIGURATION_FILE,
    ...(catalogue === undefined ? {} : { catalogue }),
    dryRun: configuration.dryRun,
    dryRunInjection: configuration.dryRunInjection,
    levels: { ...levels, clusterScoped },
    namespaces: Object.fromEntries([...namespaces].map(([name, own]) => [name, dropUnset(own)])),
    mutateMode: configuration.mutateMode,
    enforceTemplates: configuration.enforceTemplates,
    apiAccess: configuration.apiAccess,
    namespaceWarnings: configuration.namespaceWarnings,
    events: configuration.events,
    secretIndex: configuration.secretIndex,
    foreignWebhooks: configuration.foreignWebhooks,
    excludedNamespaces: configuration.excludedNamespacesOfFile,
    excludedNamespaceSets: configuration.excludedNamespaceSets,
    ...(cluster.apiAudiences === undefined && cluster.issuers === undefined ? {} : { cluster: dropUnset(cluster) }),
    checks: toSettings(checks),
    mutations: toSettings(mutations),
    server: configuration.server,
    ...(callerAuthentication === undefined ? {} : { callerAuthentication }),
    ...(tls === undefined ? {} : { tls }),
  };
}

function toSettings(rules: ReadonlyMap<string, RuleSettings<string>>): JsonObject {
  return Object.fromEntries([...rules].map(([id, { mode, options }]) => [id, { mode, ...options }]));
}

function dropUnset(values: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined),
  );
}
