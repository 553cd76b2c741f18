/**
 * The servers that Curfew is measured against, and Curfew's own, each in a process of its own:
 *
 *     raw       node:https; reads the body to its end and answers allowed, without a look at it
 *     fastify   fastify; parses the review and answers allowed with its uid, and under `/mutate` with the patch it was started with
 *     curfew    the webhook server with real metrics and its log on standard output, at restricted; lookups are answered from memory
 *
 * Says `{ port }` when it listens, and `{ cpuMs }` whenever it is asked.
 */

import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { createSystemClock } from '../src/kube/clock.ts';
import { createUnknownLister } from '../src/kube/pod-lister.ts';
import { createLogger } from '../src/log/logger.ts';
import { openStandardOutput } from '../src/log/standard-output.ts';
import { createPrometheusRecorder } from '../src/metrics/prometheus.ts';
import { asString, valueAt } from '../src/objects/json.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../src/policy/configuration.ts';
import { ENTRIES } from '../src/review/entries.ts';
import { createAfterTurn } from '../src/server/after-turn.ts';
import { buildApp } from '../src/server/app.ts';
import { listen } from '../src/server/listen.ts';
import { PLAIN_READER } from '../test/server/start-app.ts';

type Tls = { readonly cert: string; readonly key: string };

type Start = {
  readonly tls: Tls;
  /** In base64. */
  readonly patch?: string | undefined;
};

const KEEP_ALIVE_MS = 120_000;

function toAnswer(uid: string, change: object = {}): object {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: true, ...change } };
}

const STARTS: Readonly<Record<string, (start: Start) => Promise<number>>> = {
  async raw({ tls }) {
    const text = JSON.stringify(toAnswer('bench'));
    const headers = { 'content-type': 'application/json', 'content-length': text.length };
    const server = createServer(tls, (request, response) => {
      request.resume().on('end', () => response.writeHead(200, headers).end(text));
    });
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return (server.address() as AddressInfo).port;
  },
  async fastify({ tls, patch }) {
    const app = fastify({ https: tls, keepAliveTimeout: KEEP_ALIVE_MS, bodyLimit: 8 * 1_048_576 } as object);
    const uidOf = (body: unknown) => asString(valueAt(body, ['request', 'uid'])) ?? '';
    app.post('/*', async ({ body }) => toAnswer(uidOf(body)));
    if (patch !== undefined) {
      app.post('/mutate/*', async ({ body }) => toAnswer(uidOf(body), { patchType: 'JSONPatch', patch }));
    }
    await app.listen({ host: '127.0.0.1', port: 0 });
    return (app.server.address() as AddressInfo).port;
  },
  async curfew({ tls }) {
    const keys = { levels: { enforce: 'restricted', mutate: 'restricted' }, mutateMode: 'apply' };
    const read = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, ...keys });
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    const { configuration } = read;
    const clock = createSystemClock();
    const afterTurn = createAfterTurn();
    const recorder = createPrometheusRecorder('bench', clock.monotonic, { entries: ENTRIES.map(({ path }) => path) });
    const server = buildApp({
      policy: () => ({
        configuration,
        ownNamespace: 'curfew-system',
        release: 'curfew',
        cluster: { apiAudiences: ['https://kubernetes.default.svc'], issuers: ['https://kubernetes.default.svc'] },
      }),
      reader: PLAIN_READER,
      listPods: createUnknownLister('it is a benchmark'),
      recorder,
      log: createLogger('info', openStandardOutput(recorder.logLinesLost, afterTurn.runLast)),
      clock,
      tls,
      isDraining: () => false,
      afterTurn,
    });
    return Number(new URL(await listen(server, { host: '127.0.0.1', port: 0 })).port);
  },
};

process.on('message', ({ start, tls, patch }: { readonly start?: string } & Partial<Start>) => {
  if (start === undefined || tls === undefined) {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuMs: (user + system) / 1000 });
    return;
  }
  void STARTS[start]?.({ tls, patch }).then((port) => process.send?.({ port }));
});
// Ends with whoever started it.
process.on('disconnect', () => process.exit(0));
