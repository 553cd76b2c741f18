/** Somebody else's mutating webhook: adds a container `sidecar` to every pod of a labelled namespace, once. */

import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { issueCertificateAuthority, issueServingCertificate } from '../src/certificates/issue.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, member, valueAt } from '../src/objects/json.ts';
import type { TestCluster } from './test-cluster.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

export type SidecarWebhook = {
  calls(): number;
  /** Removes its configuration and ends the server. */
  stop(): Promise<void>;
};

/** @param name - of its configuration, which decides when it is called */
export async function startSidecarWebhook(cluster: TestCluster, name: string): Promise<SidecarWebhook> {
  const { address } = cluster;
  const validity = { notBefore: Date.now(), notAfter: Date.now() + DAY_MS };
  const ca = await issueCertificateAuthority({ commonName: `${name}-ca`, ...validity });
  const names = /^[0-9.]+$|:/.test(address)
    ? { dnsNames: [], ipAddresses: [address] }
    : { dnsNames: [address], ipAddresses: [] };
  const { cert, key } = await issueServingCertificate({ ca, ...names, ...validity });
  let calls = 0;
  const server = createServer({ cert, key }, (request, response) => {
    void text(request).then((body) => {
      calls += 1;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer(JSON.parse(body))));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, address === '127.0.0.1' ? address : '0.0.0.0', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `https://${address.includes(':') ? `[${address}]` : address}:${port}/`;
  await cluster.must(['apply', '-f', '-'], {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name: `${name}.example.com`,
        clientConfig: { url, caBundle: Buffer.from(ca.cert).toString('base64') },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
        namespaceSelector: { matchLabels: { 'sidecars.example/inject': 'yes' } },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        timeoutSeconds: 5,
      },
    ],
  });
  return {
    calls: () => calls,
    async stop() {
      await cluster.must(['delete', 'mutatingwebhookconfiguration', name]);
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

function answer(review: unknown): JsonObject {
  const containers = asArray(valueAt(review, ['request', 'object', 'spec', 'containers']));
  const isThere = containers.some((container) => member(container, 'name') === 'sidecar');
  const value = { name: 'sidecar', image: 'registry.example/sidecar:1' };
  const patch = Buffer.from(JSON.stringify([{ op: 'add', path: '/spec/containers/-', value }])).toString('base64');
  const response = { uid: valueAt(review, ['request', 'uid']) ?? '', allowed: true };
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: isThere ? response : { ...response, patchType: 'JSONPatch', patch },
  };
}
