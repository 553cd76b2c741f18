/** The Secrets whose contents a pod spec hands to its containers, by volume or by environment. */

import { groupMounts, listContainers } from './containers.ts';
import type { JsonObject, JsonPath, JsonValue } from './json.ts';
import { asArray, asString, isObject, member, valueAt } from './json.ts';

/**
 * Keys of a token Secret that hold no token: the CA bundle, the namespace, OpenShift's service CA
 * (pkg/controller/serviceaccount/tokens_controller.go). Anything else may be one.
 */
const KEYS_WITHOUT_TOKEN: ReadonlySet<string> = new Set(['ca.crt', 'namespace', 'service-ca.crt']);

export type SecretReference = {
  /** Path in the pod spec of the field that holds the Secret's name. */
  readonly path: JsonPath;
  readonly secret: string;
} & (
  | {
      readonly by: 'volume';
      readonly volume: string;
      /** Names of the containers that mount it, each once. */
      readonly containers: readonly string[];
    }
  | { readonly by: 'env' | 'envFrom'; readonly container: string; readonly variable: string }
);

/** Every reference that may show the Secret's token: one that picks only the CA or the namespace is none. */
export function listSecretReferences(spec: JsonObject): readonly SecretReference[] {
  return [...listVolumeReferences(spec), ...listEnvironmentReferences(spec)];
}

/** One for each Secret of each volume, and not one for each container: an object has room for thousands of both. */
function listVolumeReferences(spec: JsonObject): readonly SecretReference[] {
  const mounts = groupMounts(spec);
  const containersOf = new Map<string, readonly string[]>();
  return asArray(member(spec, 'volumes')).flatMap((volume, index) => {
    const name = asString(member(volume, 'name')) ?? '';
    const containers = containersOf.get(name) ?? [
      ...new Set((mounts.get(name) ?? []).map(({ container }) => container)),
    ];
    containersOf.set(name, containers);
    const at = ['volumes', index];
    const sources = asArray(valueAt(volume, ['projected', 'sources'])).map((source, sourceIndex) => ({
      source: member(source, 'secret'),
      path: [...at, 'projected', 'sources', sourceIndex, 'secret', 'name'],
      key: 'name',
    }));
    return [{ source: member(volume, 'secret'), path: [...at, 'secret', 'secretName'], key: 'secretName' }, ...sources]
      .filter(({ source }) => showsToken(source))
      .flatMap(({ source, path, key }) => {
        const secret = asString(member(source, key));
        return secret === undefined ? [] : [{ path, secret, by: 'volume' as const, volume: name, containers }];
      });
  });
}

function listEnvironmentReferences(spec: JsonObject): readonly SecretReference[] {
  return listContainers(spec).flatMap(({ path, name: container, container: raw }) => {
    const single = asArray(member(raw, 'env')).flatMap((variable, index): readonly SecretReference[] => {
      const reference = valueAt(variable, ['valueFrom', 'secretKeyRef']);
      const secret = asString(member(reference, 'name'));
      if (secret === undefined || KEYS_WITHOUT_TOKEN.has(asString(member(reference, 'key')) ?? '')) return [];
      const at = [...path, 'env', index, 'valueFrom', 'secretKeyRef', 'name'];
      return [{ path: at, secret, by: 'env', container, variable: asString(member(variable, 'name')) ?? '' }];
    });
    const whole = asArray(member(raw, 'envFrom')).flatMap((source, index): readonly SecretReference[] => {
      const secret = asString(valueAt(source, ['secretRef', 'name']));
      if (secret === undefined) return [];
      return [
        { path: [...path, 'envFrom', index, 'secretRef', 'name'], secret, by: 'envFrom', container, variable: '' },
      ];
    });
    return [...single, ...whole];
  });
}

/** Without `items` a volume holds every key. */
function showsToken(source: JsonValue | undefined): boolean {
  if (!isObject(source)) return false;
  const items = asArray(member(source, 'items'));
  return items.length === 0 || items.some((item) => !KEYS_WITHOUT_TOKEN.has(asString(member(item, 'key')) ?? ''));
}
