/** The pods that servers are asked about. */

import { asArray, type JsonObject, type JsonValue, valueAt } from '../src/objects/json.ts';
import { ADMITTED_POD } from '../test/server/start-app.ts';

/** As the API server's own plugins leave it, with the API token of a year. */
export const ADMITTED: JsonObject = ADMITTED_POD;

/** The same of one that gets no API token. */
export const ADMITTED_PLAIN: JsonObject = withoutToken(ADMITTED);

/** What a caller sends to the API server for it. */
export function submittedPod(name: string, fields: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { serviceAccountName: 'web', ...fields, containers: [{ name: 'app', image: 'registry.example/web:1' }] },
  };
}

/** One that gets no API token, so that nothing is to be said or changed. */
export function submittedPlainPod(name: string): JsonObject {
  return submittedPod(name, { automountServiceAccountToken: false });
}

/** Five containers without a token; the review of it is about 4.8 kB. */
export function plainPod(): JsonObject {
  return podOf({ automountServiceAccountToken: false }, []);
}

/** The same with the API token of a year, as the API server's own plugins leave it: in a volume, and mounted by each container. */
export function tokenPod(): JsonObject {
  return podOf({}, asArray(valueAt(ADMITTED_POD, ['spec', 'volumes'])), asArray(valueAt(ADMITTED_POD, MOUNTS)));
}

function withoutToken(pod: JsonObject): JsonObject {
  const { volumes: _, ...spec } = pod['spec'] as JsonObject;
  const containers = asArray(spec['containers']).map((container) => {
    const { volumeMounts: __, ...rest } = container as JsonObject;
    return rest;
  });
  return { ...pod, spec: { ...spec, automountServiceAccountToken: false, containers } };
}

const MOUNTS = ['spec', 'containers', 0, 'volumeMounts'];

function podOf(fields: JsonObject, volumes: readonly JsonValue[], mounts: readonly JsonValue[] = []): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', labels: { app: 'web', tier: 'front' } },
    spec: {
      serviceAccountName: 'web',
      ...fields,
      volumes: [
        { name: 'settings', configMap: { name: 'web', defaultMode: 420 } },
        { name: 'scratch', emptyDir: {} },
        ...volumes,
      ],
      containers: Array.from({ length: 5 }, (_, index) => ({
        name: `app-${index}`,
        image: `registry.example/team/service-${index}@sha256:${'0123456789abcdef'.repeat(4)}`,
        env: Array.from({ length: 4 }, (__, key) => ({ name: `SETTING_${key}`, value: `value of setting ${key}` })),
        ports: [{ name: 'http', containerPort: 8080 + index, protocol: 'TCP' }],
        resources: { limits: { cpu: '500m', memory: '256Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
        readinessProbe: { httpGet: { path: '/healthz', port: 'http', scheme: 'HTTP' }, periodSeconds: 10 },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, runAsNonRoot: true },
        volumeMounts: [
          { name: 'settings', mountPath: '/etc/web', readOnly: true },
          { name: 'scratch', mountPath: '/tmp' },
          ...mounts,
        ],
      })),
    },
  };
}
