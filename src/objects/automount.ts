/**
 * Whether a pod gets the default API token, and where. The precedence of pod over service account is the most repeated mistake of
 * this field, so it is written once, here, and every rule, report and command asks this function.
 */

import type { Container } from './containers.ts';
import { listContainers } from './containers.ts';
import type { JsonObject } from './json.ts';
import { asArray, asString, member } from './json.ts';
import type { TokenSource } from './tokens.ts';
import { API_TOKEN_MOUNT_PATH, API_TOKEN_VOLUME_PREFIX, isApiToken, listTokenSources } from './tokens.ts';
import type { Lookup, ServiceAccountView } from './views.ts';

export type EffectiveAutomount =
  | { readonly mounts: boolean; readonly decidedBy: 'pod' | 'serviceAccount' | 'default' }
  | { readonly mounts: 'unknown'; readonly why: string };

/**
 * The pod's own field, else the service account's, else true
 * (plugin/pkg/admission/serviceaccount/admission.go, shouldAutomount). `null` counts as not set.
 *
 * @param serviceAccount - looked up only if the pod does not decide by itself; an account that does not exist yet may
 *   be part of the same `kubectl apply`, so absent is as unknown as a failed read.
 */
export function effectiveAutomount(spec: JsonObject, serviceAccount: Lookup<ServiceAccountView>): EffectiveAutomount {
  const own = member(spec, 'automountServiceAccountToken');
  if (typeof own === 'boolean') return { mounts: own, decidedBy: 'pod' };
  switch (serviceAccount.state) {
    case 'absent':
      return { mounts: 'unknown', why: 'the service account does not exist' };
    case 'unknown':
      return { mounts: 'unknown', why: serviceAccount.why };
    case 'found': {
      const { automount } = serviceAccount.value;
      return automount === undefined
        ? { mounts: true, decidedBy: 'default' }
        : { mounts: automount, decidedBy: 'serviceAccount' };
    }
  }
}

/** The containers into which the ServiceAccount plugin mounts the token: those with no mount at exactly its path. */
export function listContainersWithoutTokenMount(spec: JsonObject): readonly Container[] {
  return listContainers(spec).filter(
    ({ path, container }) =>
      path[0] !== 'ephemeralContainers' &&
      !asArray(member(container, 'volumeMounts')).some((mount) => member(mount, 'mountPath') === API_TOKEN_MOUNT_PATH),
  );
}

/** The volume that the plugin takes for the token volume: it goes by the name's prefix alone, whatever is inside. */
export function findTokenVolume(spec: JsonObject): string | undefined {
  return asArray(member(spec, 'volumes'))
    .map((volume) => asString(member(volume, 'name')) ?? '')
    .find((name) => name.startsWith(API_TOKEN_VOLUME_PREFIX));
}

/** The API tokens of a pod, or of the pods of a template. */
export type ApiTokens = {
  /** Those that stand in its volumes, the default one of an admitted pod included. */
  readonly sources: readonly TokenSource[];
  /**
   * Whether the default one comes on top when the pod is made. A pod at admission has it already, so its volumes say it
   * all; a template never shows it.
   */
  readonly addsDefault: boolean | 'unknown';
  /** Why that is not known. */
  readonly why: string;
};

export function findApiTokens(
  spec: JsonObject,
  options: {
    readonly isAdmittedPod: boolean;
    readonly serviceAccount: Lookup<ServiceAccountView>;
    readonly apiAudiences: readonly string[];
  },
): ApiTokens {
  const sources = listTokenSources(spec).filter((source) => isApiToken(source, options.apiAudiences));
  if (options.isAdmittedPod) return { sources, addsDefault: false, why: '' };
  const automount = effectiveAutomount(spec, options.serviceAccount);
  if (automount.mounts === 'unknown') return { sources, addsDefault: 'unknown', why: automount.why };
  const hasRoom = findTokenVolume(spec) === undefined && listContainersWithoutTokenMount(spec).length > 0;
  return { sources, addsDefault: automount.mounts && hasRoom, why: '' };
}
