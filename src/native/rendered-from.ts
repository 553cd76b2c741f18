/** What policies were rendered from: a line at the top of the file, by which the chart sees whether they fit its values. */

import { type JsonObject, member } from '../objects/json.ts';
import type { NativeOptions } from './native-options.ts';

/** Keys of the configuration that the chart writes into the policies it ships. */
export const WRITTEN_KEYS = [
  'dryRun',
  'levels',
  'namespaces',
  'mutateMode',
  'excludedNamespaces',
  'excludedNamespaceSets',
  'cluster',
] as const;

/** Keys that make other expressions, so that policies must be rendered again when they change. */
export const RENDERED_KEYS = [
  'catalogue',
  'enforceTemplates',
  'apiAccess',
  'checks',
  'mutations',
  'exemptions',
] as const;

/** Keys that only the webhook's server reads. */
export const SERVER_KEYS = [
  'dryRunInjection',
  'secretIndex',
  'foreignWebhooks',
  'namespaceWarnings',
  'events',
  'server',
  'callerAuthentication',
  'tls',
] as const;

export const RENDERED_FROM = 'rendered from: ';

/**
 * One line: version, engine, namespace, Kubernetes, and of the configuration file what policies follow, as it was written.
 *
 * @param file - the configuration file, parsed
 */
export function formatRenderedFrom(file: unknown, version: string, options: NativeOptions): string {
  const keys = [...WRITTEN_KEYS, ...RENDERED_KEYS];
  const configuration = Object.fromEntries(
    keys.flatMap((key) => {
      const value = member(file, key);
      return value === undefined ? [] : [[key, value as JsonObject]];
    }),
  );
  const { engine, nodeTokens, ownNamespace, minor, level } = options;
  const from = { version, engine, nodeTokens, namespace: ownNamespace, kubernetes: `1.${minor}`, level, configuration };
  return `${RENDERED_FROM}${JSON.stringify(from)}`;
}
