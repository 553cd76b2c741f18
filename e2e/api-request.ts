/** Plain GET requests to the embedded servers, before there is anything that a Kubernetes client could use. */

import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { ClusterCertificates } from './cluster-certificates.ts';

/** Who asks, and whom it trusts. */
export type ApiCredentials = { readonly certificates: Pick<ClusterCertificates, 'authority' | 'admin'> };

const TIMEOUT_MS = 5000;

/** GETs `url` as the administrator; rejects only if there is no answer within five seconds. */
export function readApi(
  url: string,
  credentials?: ApiCredentials,
): Promise<{ readonly status: number; readonly body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const options = { method: 'GET', agent: false as const, signal: AbortSignal.timeout(TIMEOUT_MS) };
  const request =
    credentials === undefined
      ? requestHttp(url, options)
      : requestHttps(url, {
          ...options,
          ca: credentials.certificates.authority.certificate,
          cert: credentials.certificates.admin.certificate,
          key: credentials.certificates.admin.privateKey,
        });
  request.on('error', reject);
  request.on('response', (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
    });
  });
  request.end();
  return promise;
}

/** True if `url` answers 200. */
export async function isAnswering(url: string, credentials?: ApiCredentials): Promise<boolean> {
  return (await readApi(url, credentials)).status === 200;
}
