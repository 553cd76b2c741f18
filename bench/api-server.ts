/** What a request through the real API server takes longer for Curfew, beside webhooks that answer allowed and a policy. */

import { startControlPlane } from '../e2e/control-plane.ts';
import { installCurfew } from '../e2e/installed-curfew.ts';
import { createKubectl } from '../e2e/kubectl.ts';
import { findTools } from '../scripts/tools.ts';
import { asArray, type JsonObject, member } from '../src/objects/json.ts';
import {
  joinTimes,
  NAMESPACES,
  NAMESPACES_OF_ALWAYS,
  NAMESPACES_OF_PLAIN,
  type Namespace,
  ROUNDS,
  STARTS,
  type Times,
  toTable,
  toTableOfAlways,
  toTableOfPlain,
} from './api-server-tables.ts';
import { defineBenchmark } from './define-benchmark.ts';
import { submittedPlainPod } from './pods.ts';
import { createPods } from './pods-by-namespace.ts';
import { type BenchServer, startBenchServer } from './start-server.ts';
import { warmUp } from './warm-up.ts';

const WARM_UP = 40;
const LABEL = 'bench.example/of';

const CONFIGURATION = {
  dryRun: false,
  mutateMode: 'apply',
  levels: { enforce: 'off', warn: 'off', audit: 'off' },
} as const;

const POD_RULE = {
  apiGroups: [''],
  apiVersions: ['v1'],
  resources: ['pods'],
  operations: ['CREATE'],
  scope: 'Namespaced',
};

export default defineBenchmark({
  name: 'api-server',
  title: 'Through the API server',
  timeoutSeconds: 900,
  run: async () => {
    const controlPlane = await startControlPlane();
    const servers: BenchServer[] = [];
    const startBare = async (patch?: string): Promise<BenchServer> => {
      const server = await startBenchServer('fastify', { patch });
      servers.push(server);
      return server;
    };
    try {
      const { kubectl: binary } = await findTools(['kubectl']);
      const kubectl = createKubectl({ binary, kubeconfig: controlPlane.kubeconfig });
      const must = async (args: readonly string[], input?: JsonObject | readonly JsonObject[]): Promise<string> => {
        const done = input === undefined ? await kubectl.run(args) : await kubectl.apply(input);
        if (done.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${done.stderr}`);
        return done.stdout;
      };
      await must(['apply'], [...NAMESPACES.flatMap(namespaceWithAccount), ...policy()]);
      const curfew = await installCurfew({ controlPlane, kubectl }, CONFIGURATION);
      const port = Number(new URL(curfew.webhookUrl).port);
      const plan = { rounds: ROUNDS / STARTS, warmUp: WARM_UP };
      const check = (namespace: Namespace, answer: string): void => {
        if (answer.includes('curfew.dev/mutated-by')) throw new Error(`${namespace}: the pod was changed`);
      };
      const plainPlan = { podOf: submittedPlainPod, check, ...plan };
      const changed: Times[] = [];
      const unchanged: Times<(typeof NAMESPACES_OF_PLAIN)[number]>[] = [];
      for (let start = 0; start < STARTS; start += 1) {
        for (const server of servers.splice(0)) server.stop();
        if (start > 0) await curfew.upgrade(CONFIGURATION);
        const noop = await startBare();
        await warmUp({ port: noop.port, namespaces: ['noop-both', 'noop-one'] });
        const patching = await startBare(await warmUp({ port, namespaces: ['curfew-both', 'curfew-one'] }));
        await warmUp({ port: patching.port, namespaces: ['patch-both'] });
        await must(['apply'], [...registrations('noop', noop), ...registrations('patch', patching)]);
        await limitCurfew(must);
        changed.push(await createPods(controlPlane, { namespaces: NAMESPACES, ...plan, start }));
        unchanged.push(await createPods(controlPlane, { namespaces: NAMESPACES_OF_PLAIN, ...plainPlan, start }));
      }
      await curfew.upgrade({ ...CONFIGURATION, mutations: { 'inject-token': { liveReads: 'always' } } });
      await limitCurfew(must);
      await warmUp({ port, namespaces: ['curfew-both', 'curfew-one'] });
      const always = await createPods(controlPlane, { namespaces: NAMESPACES_OF_ALWAYS, ...plainPlan });
      await curfew.uninstall();
      return [
        toTable(joinTimes(NAMESPACES, changed)),
        toTableOfPlain(joinTimes(NAMESPACES_OF_PLAIN, unchanged)),
        toTableOfAlways(always),
      ];
    } finally {
      for (const server of servers) server.stop();
      await controlPlane.stop();
    }
  },
});

function namespaceWithAccount(name: Namespace): readonly JsonObject[] {
  const labels = {
    [LABEL]: name,
    ...(name.startsWith('curfew') ? { 'curfew.dev/enforce': 'baseline' } : {}),
    ...(name === 'curfew-both' ? { 'curfew.dev/mutate': 'restricted', 'curfew.dev/enforce': 'restricted' } : {}),
  };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'web', namespace: name } },
  ];
}

function selectorFor(...namespaces: readonly Namespace[]): JsonObject {
  return { matchExpressions: [{ key: LABEL, operator: 'In', values: namespaces }] };
}

/** As Curfew's own entries for pods, but that nothing is judged. */
function registrations(name: 'noop' | 'patch', { port, ca }: BenchServer): readonly JsonObject[] {
  const webhook = (path: string, ...namespaces: readonly Namespace[]) => ({
    name: `${name}.bench.example`,
    clientConfig: { url: `https://127.0.0.1:${port}${path}`, caBundle: Buffer.from(ca).toString('base64') },
    rules: [POD_RULE],
    namespaceSelector: selectorFor(...namespaces),
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    failurePolicy: 'Fail',
    timeoutSeconds: 3,
  });
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const metadata = { name };
  const both = `${name}-both` as const;
  return [
    {
      apiVersion,
      kind: 'ValidatingWebhookConfiguration',
      metadata,
      webhooks: [webhook('/validate/pods', both, ...(name === 'noop' ? (['noop-one'] as const) : []))],
    },
    {
      apiVersion,
      kind: 'MutatingWebhookConfiguration',
      metadata,
      webhooks: [{ ...webhook('/mutate/pods', both), reinvocationPolicy: 'IfNeeded' }],
    },
  ];
}

/** Says what `year-long-token` says: no projected API token of exactly 3607 seconds; here it only warns of none. */
function policy(): readonly JsonObject[] {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const expression =
    '!has(object.spec.volumes) || object.spec.volumes.all(v, !has(v.projected) || !has(v.projected.sources) || v.projected.sources.all(s, !has(s.serviceAccountToken) || s.serviceAccountToken.expirationSeconds != 3607 || v.name.startsWith("kube-api-access-")))';
  return [
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: 'year-long-token' },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: { resourceRules: [POD_RULE] },
        validations: [{ expression }],
      },
    },
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: 'year-long-token' },
      spec: {
        policyName: 'year-long-token',
        validationActions: ['Deny'],
        matchResources: { namespaceSelector: selectorFor('policy') },
      },
    },
  ];
}

/**
 * Curfew's entries for pods see the namespaces of their own alone. The others stay as they are: that of kube-system would judge
 * these pods a second time.
 */
async function limitCurfew(must: (args: readonly string[]) => Promise<string>): Promise<void> {
  for (const [kind, namespaces] of [
    ['validatingwebhookconfiguration', ['curfew-one', 'curfew-both']],
    ['mutatingwebhookconfiguration', ['curfew-both']],
  ] as const) {
    const webhooks = asArray(member(JSON.parse(await must(['get', kind, 'curfew', '-o', 'json'])), 'webhooks'));
    const patch = webhooks.flatMap((webhook, index) =>
      member(webhook, 'name') === 'pods.curfew.dev'
        ? [{ op: 'replace', path: `/webhooks/${index}/namespaceSelector`, value: selectorFor(...namespaces) }]
        : [],
    );
    if (patch.length !== 1) throw new Error(`${kind}: ${patch.length} entries are named pods.curfew.dev`);
    await must(['patch', kind, 'curfew', '--type=json', '-p', JSON.stringify(patch)]);
  }
  // Until every API server's own watch has it.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
}
