/**
 * A pod that uses the Kubernetes API for as long as it runs, by the official client of Go: `kubectl proxy`, which reads
 * the token of its pod again when the file changes (client-go since 0.15.7).
 */

import { asString, valueAt } from '../../src/objects/json.ts';
import { BUSYBOX_IMAGE } from '../node/container-runtime.ts';
import type { InstalledChart } from './installed-chart.ts';

const PORT = 8_001;
const PROGRAM = '/kubectl';

export type ApiReader = {
  readonly pod: string;
  /** Asks the API server through the pod; the status of the answer. */
  get(path: string): Promise<number>;
};

/** Makes the pod with an account that may read pods and says so. The container `app` has a shell. */
export async function createApiReader(cluster: InstalledChart, namespace: string): Promise<ApiReader> {
  const pod = 'reader';
  await cluster.createAccount(namespace, { 'curfew.dev/api-access': 'reads its own pod' });
  await cluster.must(['create', 'role', 'reader', '--verb=get', '--resource=pods', '-n', namespace]);
  const subject = `--serviceaccount=${namespace}:web`;
  await cluster.must(['create', 'rolebinding', 'reader', '--role=reader', subject, '-n', namespace]);
  const serve = ['proxy', `--port=${PORT}`, '--address=0.0.0.0', '--accept-hosts=.*'];
  await cluster.runPod(namespace, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod },
    spec: {
      serviceAccountName: 'web',
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'app',
          image: BUSYBOX_IMAGE,
          command: [PROGRAM, ...serve],
          readinessProbe: { tcpSocket: { port: PORT }, periodSeconds: 1 },
          volumeMounts: [{ name: 'program', mountPath: PROGRAM }],
        },
      ],
      volumes: [{ name: 'program', hostPath: { path: cluster.kubectlProgram, type: 'File' } }],
    },
  });
  const found = JSON.parse(await cluster.must(['get', 'pod', pod, '-n', namespace, '-o', 'json']));
  const address = asString(valueAt(found, ['status', 'podIP'])) ?? '';
  return { pod, get: async (path) => (await fetch(`http://${address}:${PORT}${path}`)).status };
}
