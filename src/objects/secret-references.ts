/** The Secrets whose contents a pod spec hands to its containers, by volume or by environment. */

import { groupMounts, listContainers } from './containers.ts';
import type { JsonObject, JsonPath, JsonValue } from './json.ts';
import { asArray, asString, member } from './json.ts';

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
  // Most pods have no volume of a Secret.
  let containersOf: ReturnType<typeof createMounters> | undefined;
  const found: SecretReference[] = [];
  for (const [index, volume] of asArray(member(spec, 'volumes')).entries()) {
    for (const { path, secret } of listSecretsOfVolume(volume)) {
      const name = asString(member(volume, 'name')) ?? '';
      containersOf ??= createMounters(spec);
      found.push({
        path: ['volumes', index, ...path],
        secret,
        by: 'volume',
        volume: name,
        containers: containersOf(name),
      });
    }
  }
  return found;
}

/** Names of the containers that mount a volume, each once. */
function createMounters(spec: JsonObject): (volume: string) => readonly string[] {
  const mounts = groupMounts(spec);
  const known = new Map<string, readonly string[]>();
  return (volume) => {
    const containers = known.get(volume) ?? [...new Set((mounts.get(volume) ?? []).map(({ container }) => container))];
    known.set(volume, containers);
    return containers;
  };
}

/** Where a volume names a Secret whose token it may show, from the volume on. */
function listSecretsOfVolume(volume: JsonValue): readonly { readonly path: JsonPath; readonly secret: string }[] {
  const found: { readonly path: JsonPath; readonly secret: string }[] = [];
  const own = member(volume, 'secret');
  const ownName = asString(member(own, 'secretName'));
  if (ownName !== undefined && showsToken(own)) found.push({ path: ['secret', 'secretName'], secret: ownName });
  for (const [index, projected] of asArray(member(member(volume, 'projected'), 'sources')).entries()) {
    const source = member(projected, 'secret');
    const name = asString(member(source, 'name'));
    if (name === undefined || !showsToken(source)) continue;
    found.push({ path: ['projected', 'sources', index, 'secret', 'name'], secret: name });
  }
  return found;
}

function listEnvironmentReferences(spec: JsonObject): readonly SecretReference[] {
  const found: SecretReference[] = [];
  for (const { path, name: container, container: raw } of listContainers(spec)) {
    const variables = asArray(member(raw, 'env'));
    for (let index = 0; index < variables.length; index += 1) {
      const variable = variables[index];
      const reference = member(member(variable, 'valueFrom'), 'secretKeyRef');
      const secret = asString(member(reference, 'name'));
      if (secret === undefined || KEYS_WITHOUT_TOKEN.has(asString(member(reference, 'key')) ?? '')) continue;
      const at = [...path, 'env', index, 'valueFrom', 'secretKeyRef', 'name'];
      found.push({ path: at, secret, by: 'env', container, variable: asString(member(variable, 'name')) ?? '' });
    }
    const sources = asArray(member(raw, 'envFrom'));
    for (let index = 0; index < sources.length; index += 1) {
      const secret = asString(member(member(sources[index], 'secretRef'), 'name'));
      if (secret === undefined) continue;
      const at = [...path, 'envFrom', index, 'secretRef', 'name'];
      found.push({ path: at, secret, by: 'envFrom', container, variable: '' });
    }
  }
  return found;
}

/** Whether a source that names a Secret may show its token; without `items` it holds every key. */
function showsToken(source: JsonValue | undefined): boolean {
  const items = asArray(member(source, 'items'));
  return items.length === 0 || items.some((item) => !KEYS_WITHOUT_TOKEN.has(asString(member(item, 'key')) ?? ''));
}
