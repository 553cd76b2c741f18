/** The webhook server on a real TLS listener, with scripted lookups and a log that can be read. */

import type { Server } from 'node:http';
import { request } from 'node:https';
import { issueCertificateAuthority, issueServingCertificate } from '../../src/certificates/issue.ts';
import type { ClusterReader } from '../../src/kube/api.ts';
import { createLogger } from '../../src/log/logger.ts';
import { createPrometheusRecorder } from '../../src/metrics/prometheus.ts';
import { asString, type JsonObject } from '../../src/objects/json.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../../src/policy/configuration.ts';
import { ENTRIES } from '../../src/review/entries.ts';
import { createAfterTurn } from '../../src/server/after-turn.ts';
import { type AppDeps, buildApp } from '../../src/server/app.ts';
import { endListening, listen } from '../../src/server/listen.ts';
import { sumOf } from '../exposition.ts';

export type Answer = {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
};

export type SendOptions = {
  readonly method?: string;
  readonly contentType?: string | undefined;
  /** Destroys the socket after the body's first half. */
  readonly isCutOff?: boolean;
};

export type StartedApp = {
  readonly port: number;
  /** The CA of its certificate, which is for localhost and 127.0.0.1; PEM. */
  readonly ca: string;
  readonly server: Server;
  send(path: string, body: string | Buffer | JsonObject, options?: SendOptions): Promise<Answer>;
  /** The sum of the series of a metric whose line begins with `prefix`. */
  metric(prefix: string): Promise<number>;
  /** What Prometheus would scrape. */
  exposition(): Promise<string>;
  readonly logLines: readonly string[];
  openConnections(): Promise<number>;
  stop(): Promise<void>;
};

/** One for all, as the index has it. */
const NOTHING: ReadonlyMap<string, string> = new Map();

/** Namespaces without labels, and service accounts that say nothing. */
export const PLAIN_READER: ClusterReader = {
  namespace: (name) => ({ state: 'found', value: { name, labels: NOTHING, annotations: NOTHING } }),
  serviceAccount: (namespace, name) => ({
    state: 'found',
    value: { namespace, name, automount: undefined, annotations: NOTHING },
  }),
  tokenSecret: () => ({ state: 'absent' }),
  mutatingWebhooks: () => ({ state: 'found', value: [] }),
};

export async function startApp(
  keys: JsonObject = {},
  reader: ClusterReader = PLAIN_READER,
  more: Partial<
    Pick<
      AppDeps,
      'afterTurn' | 'arrivals' | 'bodyMs' | 'callers' | 'changes' | 'clock' | 'events' | 'giveWayMs' | 'listPods'
    >
  > = {},
): Promise<StartedApp> {
  const result = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, ...keys });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  const { configuration } = result;
  const now = Date.now();
  const dates = { notBefore: now, notAfter: now + 3_600_000 };
  const ca = await issueCertificateAuthority({ commonName: 'test-ca', ...dates });
  const tls = await issueServingCertificate({ ca, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], ...dates });
  const logLines: string[] = [];
  const recorder = createPrometheusRecorder('test', Date.now, { entries: ENTRIES.map(({ path }) => path) });
  const server = buildApp({
    policy: () => ({
      configuration,
      ownNamespace: 'curfew-system',
      release: 'curfew',
      cluster: { apiAudiences: ['https://kubernetes.default.svc'], issuers: ['https://kubernetes.default.svc'] },
    }),
    reader,
    listPods: async function* () {},
    recorder,
    log: createLogger('info', { write: (line) => logLines.push(line) }),
    clock: { now: Date.now, monotonic: () => performance.now() },
    tls,
    isDraining: () => false,
    afterTurn: createAfterTurn(),
    ...more,
  });
  const port = Number(new URL(await listen(server, { host: '127.0.0.1', port: 0 })).port);

  return {
    port,
    ca: ca.cert,
    server,
    logLines,
    async send(path, body, options = {}) {
      const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
      const contentType = 'contentType' in options ? options.contentType : 'application/json';
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const sent = request(
        {
          host: '127.0.0.1',
          port,
          path,
          method: options.method ?? 'POST',
          ca: tls.caBundle ?? ca.cert,
          agent: false,
          headers: {
            'content-length': bytes.length,
            ...(contentType === undefined ? {} : { 'content-type': contentType }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
          });
        },
      );
      // A server that has answered may close while a large body is still being sent.
      sent.on('error', (error) => reject(error));
      if (options.isCutOff === true) {
        sent.write(bytes.subarray(0, bytes.length / 2), () => sent.destroy(new Error('cut off')));
      } else sent.end(bytes);
      return await promise;
    },
    async metric(prefix) {
      return sumOf(await recorder.render(), prefix);
    },
    exposition: async () => await recorder.render(),
    openConnections: async () =>
      await new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
      }),
    stop: async () => await endListening(server),
  };
}

/** A review as the API server sends it, of an object of these tests. */
export function review(resource: string, object: JsonObject, more: JsonObject = {}): JsonObject {
  const kind = asString(object['kind']) ?? '';
  const [name = '', group = ''] = resource.split('.');
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind: { group, version: 'v1', kind },
      resource: { group, version: 'v1', resource: name },
      name: 'example',
      namespace: 'shop',
      operation: 'CREATE',
      userInfo: { username: 'jane', groups: ['system:authenticated'] },
      object,
      oldObject: null,
      dryRun: false,
      options: { apiVersion: 'meta.k8s.io/v1', kind: 'CreateOptions' },
      ...more,
    },
  };
}

export const TOKEN_SECRET: JsonObject = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'example', namespace: 'shop', annotations: { 'kubernetes.io/service-account.name': 'ci' } },
  type: 'kubernetes.io/service-account-token',
};

/** A pod as the API server's own plugins leave it. */
export const ADMITTED_POD: JsonObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'example', namespace: 'shop' },
  spec: {
    serviceAccountName: 'web',
    containers: [
      {
        name: 'app',
        image: 'registry.example/web:1',
        volumeMounts: [
          { name: 'kube-api-access-x7k2p', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
        ],
      },
    ],
    volumes: [
      {
        name: 'kube-api-access-x7k2p',
        projected: {
          defaultMode: 420,
          sources: [
            { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            {
              downwardAPI: {
                items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
              },
            },
          ],
        },
      },
    ],
  },
};
