import { API_TOKEN_MOUNT_PATH, API_TOKEN_VOLUME_PREFIX } from '../../objects/tokens.ts';
import { RBAC_GROUP } from '../role-grants.ts';
import { findingCel, quoteCel, REQUEST_NAMESPACE, subjectBounds } from './cel-text.ts';
import type { CelForm } from './define-cel.ts';
import { isForApiCel, podBounds, SOURCES, volumesCel } from './pod-tokens.ts';

const REASONS = {
  pod: 'the account of the whole namespace',
  binding: 'rights for the account of a whole namespace',
} as const;

export const defaultServiceAccountOfPods: CelForm = {
  isForPods: true,
  isFor: ({ group }) => group !== RBAC_GROUP,
  reasons: [REASONS.pod],
  bounds: podBounds,
  left: 'of templates that say nothing of automountServiceAccountToken, whether the live service account mounts one: their pods are judged when they are made',
  findings(place, { apiAudiences }) {
    const { spec, specPath } = place;
    const holdsToken = `${volumesCel(spec)}.exists(v, ${SOURCES}.exists(s, has(s.serviceAccountToken) && ${isForApiCel(apiAudiences)}))`;
    const hasRoom = ['initContainers', 'containers']
      .map(
        (list) =>
          `${spec}.?${list}.orValue([]).exists(c, !c.?volumeMounts.orValue([]).exists(m, m.?mountPath.orValue("") == ${quoteCel(API_TOKEN_MOUNT_PATH)}))`,
      )
      .join(' || ');
    const hasVolume = `${volumesCel(spec)}.exists(v, v.?name.orValue("").startsWith(${quoteCel(API_TOKEN_VOLUME_PREFIX)}))`;
    // A pod that comes here has the volume already.
    const addsDefault = `(request.resource.resource != "pods" && ${spec}.?automountServiceAccountToken.orValue(false) && !${hasVolume} && (${hasRoom}))`;
    const path = `${specPath} + (${spec}.?serviceAccountName.orValue("") == "default" ? "/serviceAccountName" : "")`;
    const finding = findingCel({
      key: '"default/token"',
      path,
      why: REASONS.pod,
      fix: '"give it one of its own, or no token"',
    });
    return `${place.account} == "default" && (${holdsToken} || ${addsDefault}) ? [[${finding}]] : []`;
  },
};

export const defaultServiceAccountOfBindings: CelForm = {
  part: 'bindings',
  isFor: ({ group }) => group === RBAC_GROUP,
  reasons: [REASONS.binding],
  bounds: subjectBounds,
  findings({ object }) {
    const subjects = `${object}.?subjects.orValue([])`;
    const isUser = `(s.kind == "User" && s.name.matches("^system:serviceaccount:[a-z0-9-]+:default$"))`;
    const own = `(s.?namespace.orValue("") == "" ? ${REQUEST_NAMESPACE} : s.namespace)`;
    const namespace = `(s.kind == "User" ? s.name.split(":")[2] : ${own})`;
    const finding = findingCel({
      key: `${namespace} + "/default"`,
      path: `"/subjects/" + string(${subjects}.indexOf(s))`,
      why: REASONS.binding,
      fix: '"bind an account of its own"',
    });
    const found = `${subjects}.filter(s, (s.kind == "ServiceAccount" && s.name == "default") || ${isUser}).map(s, ${finding})`;
    return `[${found}].filter(g, size(g) > 0)`;
  },
};
