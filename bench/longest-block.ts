/**
 * For how long one review of the largest kind holds up the event loop, and with it all others, beside JSON.parse of the
 * same body.
 */

import type { Server } from 'node:http';
import { createSystemClock } from '../src/kube/clock.ts';
import { createUnknownLister } from '../src/kube/pod-lister.ts';
import { createSilentRecorder } from '../src/metrics/recorder.ts';
import { exampleConfigMap, exampleSecret } from '../src/objects/example-objects.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../src/policy/configuration.ts';
import { createAfterTurn } from '../src/server/after-turn.ts';
import { buildApp } from '../src/server/app.ts';
import { postInMemory } from '../src/server/in-memory.ts';
import { endListening } from '../src/server/listen.ts';
import { PLAIN_READER } from '../test/server/start-app.ts';
import { defineBenchmark, type Row } from './define-benchmark.ts';
import { ratioOfFastest, timeEachAsync, toSample } from './measure.ts';

/** An API server reads requests of up to 3 MiB (`MaxRequestBodyBytes`), and sends the old object with an update. */
const SIZE = 3 * 1_048_576;
const TIMES = { warmUp: 3, rounds: 11 };

type Case = {
  readonly name: string;
  readonly path: string;
  readonly resource: readonly [group: string, version: string, resource: string];
  /** About as large as `SIZE`. */
  readonly object: JsonObject;
  /** The most it may take, as a multiple of JSON.parse of the review. */
  readonly most: number;
};

const container = (index: number, env: readonly JsonObject[]) => ({
  name: `app-${index}`,
  image: 'registry.example/web:1',
  env,
});
const variable = (index: number, length: number) => ({ name: `KEY_${index}`, value: 'value '.repeat(length / 6) });
const podSpec = {
  serviceAccountName: 'web',
  containers: fill(SIZE, (index) => container(index, [variable(index, 600)])),
};

const CASES: readonly Case[] = [
  {
    name: 'ConfigMap: text',
    path: '/validate/review',
    resource: ['', 'v1', 'configmaps'],
    object: exampleConfigMap({ data: { text: 'lorem ipsum '.repeat(SIZE / 12) } }),
    most: 5,
  },
  {
    name: 'Secret: values of 32 bytes',
    path: '/validate/review',
    resource: ['', 'v1', 'secrets'],
    object: exampleSecret({
      data: Object.fromEntries(fill(SIZE, (index) => [`key-${index}`, btoa(`value ${index}`.padEnd(32))])),
    }),
    most: 3,
  },
  {
    name: 'Pod: thousands of containers',
    path: '/validate/pods',
    resource: ['', 'v1', 'pods'],
    object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' }, spec: podSpec },
    most: 10,
  },
  {
    name: 'Pod: the same, to be mutated',
    path: '/mutate/pods',
    resource: ['', 'v1', 'pods'],
    object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' }, spec: podSpec },
    most: 6,
  },
  {
    name: 'Role: tens of thousands of rules',
    path: '/validate/review',
    resource: ['rbac.authorization.k8s.io', 'v1', 'roles'],
    object: {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'wide', namespace: 'shop' },
      // More would be refused for its number of values, before it is parsed.
      rules: fill(SIZE / 2, (index) => ({ apiGroups: [''], resources: ['secrets', `r${index}`], verbs: ['get', '*'] })),
    },
    most: 40,
  },
];

export default defineBenchmark({
  name: 'longest-block',
  title: 'The longest stop for all others',
  timeoutSeconds: 120,
  run: async () => {
    const server = buildRestrictedApp();
    const rows: Row[] = [];
    for (const one of CASES) rows.push(await measure(server, one));
    await endListening(server);
    return [
      {
        title: 'One review of the largest kind',
        about: `An object of 3 MiB, the most that an API server reads, at restricted; with the old one where it is an update. For
so long nothing else gets a turn, beside \`JSON.parse\` of the same review.`,
        columns: [
          { title: 'review', unit: 'MiB' },
          { title: 'event loop', unit: 'ms' },
          { title: '`JSON.parse`', unit: 'ms' },
        ],
        ratio: 'ratio',
        isCompared: true,
        rows,
      },
    ];
  },
});

function buildRestrictedApp() {
  const keys = { levels: { enforce: 'restricted' }, mutateMode: 'apply' };
  const read = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, ...keys });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const { configuration } = read;
  return buildApp({
    policy: () => ({
      configuration,
      ownNamespace: 'curfew-system',
      release: 'curfew',
      cluster: { apiAudiences: ['https://kubernetes.default.svc'], issuers: ['https://kubernetes.default.svc'] },
    }),
    reader: PLAIN_READER,
    listPods: createUnknownLister('it is a benchmark'),
    recorder: createSilentRecorder(),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    clock: createSystemClock(),
    isDraining: () => false,
    afterTurn: createAfterTurn(),
  });
}

async function measure(server: Server, { name, path, resource, object, most }: Case): Promise<Row> {
  const payload = JSON.stringify(compose(resource, object, path === '/mutate/pods' || resource[2] === 'pods'));
  const { parse, block } = await timeEachAsync(
    {
      parse: async () => void JSON.parse(payload),
      // Every lookup is answered at once, so nothing else gets a turn from its first byte to its answer.
      block: async () => {
        const { status, text } = await postInMemory(server, path, payload);
        if (status !== 200) throw new Error(`${name}: ${status} ${text}`);
      },
    },
    TIMES,
  );
  return {
    name,
    cells: [payload.length / 1_048_576, toSample(block), toSample(parse)],
    ratio: { value: ratioOfFastest(block, parse), most },
  };
}

function compose([group, version, name]: Case['resource'], object: JsonObject, isNew: boolean): JsonObject {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'bench',
      kind: { group, version, kind: object['kind'] ?? '' },
      resource: { group, version, resource: name },
      name: 'example',
      namespace: 'shop',
      operation: isNew ? 'CREATE' : 'UPDATE',
      userInfo: { username: 'jane', groups: ['system:authenticated'] },
      object,
      oldObject: isNew ? null : { ...object, metadata: { name: 'example', namespace: 'shop', labels: { old: 'a' } } },
    },
  };
}

/** As many as make `bytes` of JSON. */
function fill<T>(bytes: number, make: (index: number) => T): T[] {
  const all: T[] = [];
  for (let [index, size] = [0, 0]; size < bytes; index += 1) {
    const one = make(index);
    all.push(one);
    size += JSON.stringify(one).length + 1;
  }
  return all;
}
