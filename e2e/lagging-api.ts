/**
 * The API server as somebody sees it whose connection is bad: a proxy before it that can hold back what watches say, and
 * leave the reading of single service accounts and namespaces without an answer.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request as requestHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { issueCertificateAuthority, issueServingCertificate } from '../src/certificates/issue.ts';
import type { ControlPlane } from './control-plane.ts';

/** `isSilent`: no GET of a single service account or namespace is answered. */
export type Badness = { readonly isLagging: boolean; readonly isSilent: boolean };

export type LaggingApi = Pick<ControlPlane, 'server' | 'certificateAuthority'> & {
  /** Sets how bad it is; what a watch was to say meanwhile is said when it no longer lags. */
  be(badness: Badness): void;
  /** GETs that were left without an answer. */
  unanswered(): number;
  stop(): Promise<void>;
};

const HOUR_MS = 3_600_000;

export async function startLaggingApi(
  behind: Pick<ControlPlane, 'server' | 'certificateAuthority'>,
): Promise<LaggingApi> {
  const now = Date.now();
  const dates = { notBefore: now - HOUR_MS, notAfter: now + HOUR_MS };
  const ca = await issueCertificateAuthority({ commonName: 'lagging-api', ...dates });
  const leaf = await issueServingCertificate({ ca, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], ...dates });
  const agent = new Agent({ ca: behind.certificateAuthority, keepAlive: true });
  let badness: Badness = { isLagging: false, isSilent: false };
  let unanswered = 0;
  const held: (() => void)[] = [];

  const answer = (response: ServerResponse, real: IncomingMessage, isWatch: boolean) => {
    response.writeHead(real.statusCode ?? 502, real.headers);
    response.flushHeaders();
    const say = (words: () => void) => {
      if (isWatch && badness.isLagging) held.push(words);
      else words();
    };
    real.on('data', (chunk: Buffer) => say(() => response.write(chunk)));
    real.on('end', () => say(() => response.end()));
    real.on('error', () => response.destroy());
    response.on('close', () => real.destroy());
  };
  const server = createServer({ cert: leaf.cert, key: leaf.key }, (incoming, response) => {
    const { method = 'GET', url = '/', headers } = incoming;
    if (badness.isSilent && method === 'GET' && /\/(serviceaccounts|namespaces)\/[^/?]+$/.test(url)) {
      unanswered += 1;
      return;
    }
    const outgoing = requestHttps(new URL(url, behind.server), { method, headers, agent });
    outgoing.on('response', (real) => answer(response, real, url.includes('watch=true')));
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;

  return {
    server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    certificateAuthority: ca.cert,
    be: (next) => {
      badness = next;
      if (!badness.isLagging) for (const words of held.splice(0)) words();
    },
    unanswered: () => unanswered,
    stop: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
      agent.destroy();
    },
  };
}
