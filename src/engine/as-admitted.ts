/**
 * A pod as rules see it at admission: with the service account's name and the default token volume that the API
 * server's ServiceAccount plugin adds before any webhook is called (plugin/pkg/admission/serviceaccount/admission.go).
 * A manifest judged offline goes through here, so that it is judged as the cluster would judge it.
 */

import { effectiveAutomount, findTokenVolume, listContainersWithoutTokenMount } from '../objects/automount.ts';
import { createDraft } from '../objects/draft.ts';
import type { JsonObject } from '../objects/json.ts';
import { asArray, isObject, member, valueAt } from '../objects/json.ts';
import { isPod, serviceAccountOf } from '../objects/pod-spec.ts';
import type { Subject } from '../objects/subject.ts';
import { API_TOKEN_MOUNT_PATH, API_TOKEN_VOLUME_PREFIX, EXTENDED_EXPIRATION_SECONDS } from '../objects/tokens.ts';
import type { Lookup, ServiceAccountView } from '../objects/views.ts';

/** The plugin ends the name with five random characters; a manifest has none yet. */
const VOLUME_NAME = `${API_TOKEN_VOLUME_PREFIX}xxxxx`;

/** Fills in what the API server would; anything but a pod is returned as it is. An unknown account adds no volume. */
export function asAdmitted(subject: Subject, serviceAccount: Lookup<ServiceAccountView>): Subject {
  const spec = member(subject.object, 'spec');
  if (!isPod(subject.resource) || !isObject(spec)) return subject;
  const draft = createDraft(subject.object);
  const account = serviceAccountOf(spec);
  draft.set(['spec', 'serviceAccountName'], account);

  const volumes = asArray(member(spec, 'volumes'));
  const existing = findTokenVolume(spec);
  const unmounted = listContainersWithoutTokenMount(spec);
  if (effectiveAutomount(spec, serviceAccount).mounts !== true || unmounted.length === 0) {
    return { ...subject, object: draft.current() };
  }

  const name = existing ?? VOLUME_NAME;
  for (const { path } of unmounted) {
    const mounts = ['spec', ...path, 'volumeMounts'];
    const mount = { name, mountPath: API_TOKEN_MOUNT_PATH, readOnly: true };
    draft.set(mounts, [...asArray(valueAt(draft.current(), mounts)), mount]);
  }
  if (existing === undefined) draft.set(['spec', 'volumes'], [...volumes, defaultTokenVolume()]);
  return { ...subject, object: draft.current() };
}

function defaultTokenVolume(): JsonObject {
  return {
    name: VOLUME_NAME,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { path: 'token', expirationSeconds: EXTENDED_EXPIRATION_SECONDS } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    },
  };
}
