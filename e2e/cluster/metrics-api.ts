/** The metrics API (`metrics.k8s.io`) with numbers of the test's own, registered with the API server as metrics-server is. */

import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { issueCertificateAuthority, issueServingCertificate } from '../../src/certificates/issue.ts';
import { asArray, type JsonObject, member, valueAt } from '../../src/objects/json.ts';
import { waitUntil } from '../installed-curfew.ts';
import { NODE } from '../node/layout.ts';
import { type InstalledChart, RELEASE, RELEASE_NAMESPACE } from './installed-chart.ts';

const GROUP = 'metrics.k8s.io';
const VERSION = 'v1beta1';
const NAME = 'stand-in-for-metrics';

export type MetricsApi = {
  /** From now on every replica of Curfew uses so much CPU, in thousandths of a core. */
  setUsage(milliCores: number): void;
  stop(): Promise<void>;
};

export async function startMetricsApi({ must, kubectl }: InstalledChart): Promise<MetricsApi> {
  const dates = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 86_400_000 };
  const ca = await issueCertificateAuthority({ commonName: NAME, ...dates });
  const { cert, key } = await issueServingCertificate({ ca, dnsNames: ['localhost'], ipAddresses: [], ...dates });
  let usage = 0;

  async function listPods(): Promise<readonly JsonObject[]> {
    const selector = ['-l', `app.kubernetes.io/name=${RELEASE}`];
    const pods = JSON.parse(await must(['get', 'pods', '-n', RELEASE_NAMESPACE, ...selector, '-o', 'json']));
    return asArray(member(pods, 'items')).map((pod) => ({
      metadata: { name: valueAt(pod, ['metadata', 'name']), namespace: RELEASE_NAMESPACE } as JsonObject,
      timestamp: new Date().toISOString(),
      window: '1s',
      containers: [{ name: RELEASE, usage: { cpu: `${usage}m`, memory: '150Mi' } }],
    }));
  }

  async function answer(path: string): Promise<JsonObject> {
    if (path.endsWith('/pods')) {
      return { kind: 'PodMetricsList', apiVersion: `${GROUP}/${VERSION}`, metadata: {}, items: await listPods() };
    }
    const resources = [
      { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
    ];
    return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: `${GROUP}/${VERSION}`, resources };
  }

  const server = createServer({ cert, key }, (request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    answer(path).then(
      (object) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(object)),
      () => response.writeHead(503).end(),
    );
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, NODE.address, listening.resolve);
  await listening.promise;
  const { port } = server.address() as AddressInfo;
  const metadata = { name: NAME, namespace: 'default' };
  await must(
    ['create', '-f', '-'],
    [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata,
        spec: { ports: [{ name: 'https', port: 443, targetPort: port }] },
      },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { ...metadata, labels: { 'kubernetes.io/service-name': NAME } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [NODE.address] }],
        ports: [{ name: 'https', port }],
      },
      {
        apiVersion: 'apiregistration.k8s.io/v1',
        kind: 'APIService',
        metadata: { name: `${VERSION}.${GROUP}` },
        spec: {
          group: GROUP,
          version: VERSION,
          service: metadata,
          insecureSkipTLSVerify: true,
          groupPriorityMinimum: 100,
          versionPriority: 100,
        },
      },
    ],
  );
  await waitUntil('the metrics API is served', async () => {
    return (await kubectl.run(['get', '--raw', `/apis/${GROUP}/${VERSION}/namespaces/default/pods`])).code === 0;
  });
  return {
    setUsage: (milliCores) => {
      usage = milliCores;
    },
    async stop() {
      await must(['delete', 'apiservice', `${VERSION}.${GROUP}`]);
      await must(['delete', 'service', NAME, '-n', 'default']);
      await must(['delete', 'endpointslice', NAME, '-n', 'default', '--ignore-not-found']);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
