/**
 * The service account tokens that a pod spec asks for by projection, and the volume by which the API server's
 * ServiceAccount plugin mounts the default one.
 */

import { CONTAINER_LISTS } from './containers.ts';
import type { JsonObject, JsonPath, JsonValue } from './json.ts';
import { asArray, asString, isObject, member, valueAt } from './json.ts';

/**
 * The lifetime, in seconds, that makes the API server issue a token of one year instead: a pod-bound request with an
 * API audience and exactly this value (WarnOnlyBoundTokenExpirationSeconds, KEP-1205).
 */
export const EXTENDED_EXPIRATION_SECONDS = 3607;

/** What the API server fills in when `expirationSeconds` is not given (pkg/apis/core/v1/defaults.go). */
export const DEFAULT_EXPIRATION_SECONDS = 3600;

/** Where in-cluster clients look for the API token (plugin/pkg/admission/serviceaccount, DefaultAPITokenMountPath). */
export const API_TOKEN_MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Prefix of the volume that the ServiceAccount plugin adds (ServiceAccountVolumeName). */
export const API_TOKEN_VOLUME_PREFIX = 'kube-api-access-';

export type TokenSource = {
  /** Path of the `serviceAccountToken` object in the pod spec. */
  readonly path: JsonPath;
  /** Name of the volume that holds it. */
  readonly volume: string;
  /** Its file in the volume. Two sources of one volume may name the same one; the kubelet then writes the last. */
  readonly file: string;
  /** Empty if none is asked for; then the token is for the API server. */
  readonly audience: string;
  readonly expirationSeconds: number;
  /** True if it stands in the default volume, with whatever lifetime. */
  readonly isDefault: boolean;
};

/** Every `serviceAccountToken` source of every volume. A volume may hold several, also under the same path. */
export function listTokenSources(spec: JsonObject): readonly TokenSource[] {
  const found: TokenSource[] = [];
  // Most pods have no volume that could be the default one, and then nothing is asked about their mounts.
  let elsewhere: ReadonlySet<string> | undefined;
  const volumes = asArray(member(spec, 'volumes'));
  for (let volumeIndex = 0; volumeIndex < volumes.length; volumeIndex += 1) {
    const volume = volumes[volumeIndex];
    const sources = asArray(member(member(volume, 'projected'), 'sources'));
    if (sources.length === 0) continue;
    const name = asString(member(volume, 'name')) ?? '';
    let isDefault = false;
    if (hasDefaultContent(name, sources)) {
      elsewhere ??= listVolumesMountedElsewhere(spec);
      isDefault = !elsewhere.has(name);
    }
    for (let sourceIndex = 0; sourceIndex < sources.length; sourceIndex += 1) {
      const token = member(sources[sourceIndex], 'serviceAccountToken');
      if (!isObject(token)) continue;
      found.push({
        path: ['volumes', volumeIndex, 'projected', 'sources', sourceIndex, 'serviceAccountToken'],
        volume: name,
        file: asString(member(token, 'path')) ?? '',
        audience: asString(member(token, 'audience')) ?? '',
        expirationSeconds: readExpiration(token),
        isDefault,
      });
    }
  }
  return found;
}

/** The first source of each volume, in their order. */
export function firstOfEachVolume(sources: readonly TokenSource[]): readonly TokenSource[] {
  return [...new Map(sources.toReversed().map((source) => [source.volume, source])).values()].toReversed();
}

/** True if the API server accepts the token: no audience was asked for, or one of its own. */
export function isApiToken(source: TokenSource, apiAudiences: readonly string[]): boolean {
  return source.audience === '' || apiAudiences.includes(source.audience);
}

/**
 * True if the API server will really issue this token for one year: 3607 s and an API audience
 * (pkg/registry/core/serviceaccount/storage/token.go).
 */
export function isExtended(source: TokenSource, apiAudiences: readonly string[]): boolean {
  return source.expirationSeconds === EXTENDED_EXPIRATION_SECONDS && isApiToken(source, apiAudiences);
}

const FIRST_FIELD = ['downwardAPI', 'items', 0, 'fieldRef', 'fieldPath'];

/**
 * True if a volume of this name and these sources is the one the ServiceAccount plugin writes: judged by content, because the plugin itself looks at
 * the name prefix alone and a user may give any volume that name. Sources: the token at `token` without an audience,
 * the CA bundle, the namespace, and on OpenShift a fourth one, the service CA. The lifetime is not looked at.
 */
function hasDefaultContent(name: string, sources: readonly JsonValue[]): boolean {
  if (!name.startsWith(API_TOKEN_VOLUME_PREFIX) || sources.length < 3 || sources.length > 4) return false;

  let tokens = 0;
  const has = { token: false, rootCa: false, serviceCa: false, namespace: false };
  // In one pass, since nearly every pod that still has its token is asked. A source is of one kind (API validation).
  for (const source of sources) {
    const token = member(source, 'serviceAccountToken');
    if (isObject(token)) {
      tokens += 1;
      has.token = member(token, 'path') === 'token' && (member(token, 'audience') ?? '') === '';
      continue;
    }
    const configMap = member(member(source, 'configMap'), 'name');
    has.rootCa ||= configMap === 'kube-root-ca.crt';
    has.serviceCa ||= configMap === 'openshift-service-ca.crt';
    has.namespace ||= configMap === undefined && valueAt(source, FIRST_FIELD) === 'metadata.namespace';
  }
  return tokens === 1 && has.token && has.rootCa && has.namespace && (sources.length === 3 || has.serviceCa);
}

/** Volumes whose name could be the default one's, and that some container mounts at another path than that. */
function listVolumesMountedElsewhere(spec: JsonObject): ReadonlySet<string> {
  const elsewhere = new Set<string>();
  for (const list of CONTAINER_LISTS) {
    for (const container of asArray(member(spec, list))) addVolumesMountedElsewhere(elsewhere, container);
  }
  return elsewhere;
}

function addVolumesMountedElsewhere(elsewhere: Set<string>, container: JsonValue): void {
  for (const mount of asArray(member(container, 'volumeMounts'))) {
    if (member(mount, 'mountPath') === API_TOKEN_MOUNT_PATH) continue;
    const volume = asString(member(mount, 'name'));
    if (volume?.startsWith(API_TOKEN_VOLUME_PREFIX) === true) elsewhere.add(volume);
  }
}

function readExpiration(token: JsonObject): number {
  const seconds = member(token, 'expirationSeconds');
  return typeof seconds === 'number' ? seconds : DEFAULT_EXPIRATION_SECONDS;
}
