/** The server of somebody's validating webhook: it allows everything, and keeps what it was shown. */

import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { issueCertificateAuthority, issueServingCertificate } from '../src/certificates/issue.ts';
import { asString, valueAt } from '../src/objects/json.ts';

const DAY_MS = 86_400_000;

export type SpyingWebhook = {
  readonly clientConfig: { readonly url: string; readonly caBundle: string };
  /** The `request` of each review. */
  readonly shown: readonly unknown[];
  close(): void;
};

/** On this machine alone: the API server of the tests runs here. */
export async function startSpyingWebhook(): Promise<SpyingWebhook> {
  const validity = { notBefore: Date.now(), notAfter: Date.now() + DAY_MS };
  const ca = await issueCertificateAuthority({ commonName: 'spy-ca', ...validity });
  const { cert, key } = await issueServingCertificate({ ca, dnsNames: [], ipAddresses: ['127.0.0.1'], ...validity });
  const shown: unknown[] = [];
  const server = createServer({ cert, key }, (incoming, response) => {
    void text(incoming).then((body) => {
      const request = valueAt(JSON.parse(body), ['request']);
      shown.push(request);
      const answer = { uid: asString(valueAt(request, ['uid'])), allowed: true };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle: Buffer.from(ca.cert).toString('base64') },
    shown,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
