/** Somebody else's mutating webhook for the pods of labelled namespaces, which by default adds a container `sidecar`, once. */

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

/** The JSON patch that it answers for a pod. */
export type ForeignMutation = (pod: unknown) => readonly JsonObject[];

/** @param name - of its configuration, which decides when it is called */
export async function startSidecarWebhook(
  cluster: TestCluster,
  name: string,
  {
    mutate = addSidecar,
    reinvocationPolicy = 'Never',
  }: { readonly mutate?: ForeignMutation; readonly reinvocationPolicy?: 'Never' | 'IfNeeded' } = {},
): Promise<SidecarWebhook> {
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
      response.end(JSON.stringify(answer(JSON.parse(body), mutate)));
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
        reinvocationPolicy,
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

function addSidecar(pod: unknown): readonly JsonObject[] {
  const containers = asArray(valueAt(pod, ['spec', 'containers']));
  if (containers.some((container) => member(container, 'name') === 'sidecar')) return [];
  const value = { name: 'sidecar', image: 'registry.example/sidecar:1' };
  return [{ op: 'add', path: '/spec/containers/-', value }];
}

function answer(review: unknown, mutate: ForeignMutation): JsonObject {
  const patch = mutate(valueAt(review, ['request', 'object']));
  const response = { uid: valueAt(review, ['request', 'uid']) ?? '', allowed: true };
  const encoded = Buffer.from(JSON.stringify(patch)).toString('base64');
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: patch.length === 0 ? response : { ...response, patchType: 'JSONPatch', patch: encoded },
  };
}
