/** What a pod takes longer for the same rules as webhook, as policies of the API server, and as both, on one API server. */

import { createApiClient } from '../e2e/api-client.ts';
import { startControlPlane } from '../e2e/control-plane.ts';
import { installCurfew } from '../e2e/installed-curfew.ts';
import { createKubectl } from '../e2e/kubectl.ts';
import { createPolicies, render, toConfiguration } from '../e2e/native-policies.ts';
import { findTools } from '../scripts/tools.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { defineBenchmark, type Row, type Table } from './define-benchmark.ts';
import { quantile, ratioOf, toSample } from './measure.ts';
import { createPods } from './pods-by-namespace.ts';
import { WARM_UP_REVIEWS, warmUp } from './warm-up.ts';

const ROUNDS = 150;
const WARM_UP = 20;

/** A namespace for each: the other engine leaves it alone by its configuration, and nothing is ever switched. */
const ENGINES = ['none', 'webhook', 'native', 'both'] as const;
type Engine = (typeof ENGINES)[number];

const TITLES: Readonly<Record<Engine, string>> = {
  none: 'no admission',
  webhook: 'webhook',
  native: 'policies',
  both: 'both',
};

/** Without what has no form in CEL, so that both do the same. */
const CONFIGURATION: JsonObject = {
  mutateMode: 'apply',
  levels: { enforce: 'restricted', warn: 'restricted', audit: 'restricted', mutate: 'restricted' },
  mutations: { 'automount-opt-out': { mode: 'off' }, 'inject-token': { mode: 'off' } },
  checks: { 'pod-automount': { mode: 'off' }, 'long-lived-token-mount': { mode: 'off' } },
};

export default defineBenchmark({
  name: 'native-engines',
  title: 'Webhook and policies of the API server',
  timeoutSeconds: 600,
  run: async () => {
    const controlPlane = await startControlPlane();
    try {
      const { kubectl: binary } = await findTools(['kubectl']);
      const kubectl = createKubectl({ binary, kubeconfig: controlPlane.kubeconfig });
      const { code, stderr } = await kubectl.apply(ENGINES.flatMap(namespaceWithAccount));
      if (code !== 0) throw new Error(`the namespaces were not made: ${stderr}`);
      const api = await createApiClient(controlPlane.kubeconfig);
      const withoutWebhook = toConfiguration({ ...CONFIGURATION, excludedNamespaces: ['none', 'webhook'] });
      await createPolicies(api).apply(render(withoutWebhook));
      const curfew = await installCurfew(
        { controlPlane, kubectl },
        { ...CONFIGURATION, excludedNamespaces: ['none', 'native'] },
      );
      await warmUp({ port: Number(new URL(curfew.webhookUrl).port), namespaces: ['webhook'] });
      const times = await createPods(controlPlane, {
        namespaces: ENGINES,
        rounds: ROUNDS,
        warmUp: WARM_UP,
        check: checkChange,
      });
      api.close();
      await curfew.uninstall();
      return [toTable(times)];
    } finally {
      await controlPlane.stop();
    }
  },
});

function namespaceWithAccount(name: Engine): readonly JsonObject[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'web', namespace: name } },
  ];
}

type Times = Readonly<Record<Engine, number[]>>;

/** Whoever measures nothing is fast. */
function checkChange(engine: Engine, pod: string): void {
  const isChanged = pod.includes('"curfew.dev/mutated-by":"short-lived-api-token"');
  if (isChanged !== (engine !== 'none')) throw new Error(`${engine}: the token of the pod is not as it should be`);
}

function toTable(times: Times): Table {
  const base = times.none;
  const added = (engine: Engine) =>
    quantile(
      times[engine].map((ms, round) => ms - (base[round] ?? 0)),
      0.5,
    );
  const toRow = (engine: Engine): Row => ({
    name: TITLES[engine],
    cells: [toSample(times[engine]), engine === 'none' ? '' : added(engine), quantile(times[engine], 0.99)],
    ...(engine === 'none' ? {} : { ratio: { value: ratioOf(times[engine], base) } }),
  });
  return {
    title: 'One pod at a time, by each engine',
    about: `One client, dry runs over one connection, ${ROUNDS} rounds, each engine in a namespace of its own, in another order in each round, that the other
leaves alone. Both have the same configuration, everything at restricted: the pod's API token is shortened, and then
judged in three modes. What has no form in CEL is off. Before it Curfew has answered ${WARM_UP_REVIEWS.toLocaleString('en-US')} reviews, until V8
compiles nothing any more; policies are compiled when they are made.`,
    columns: [
      { title: 'create a pod', unit: 'ms' },
      { title: 'added', unit: 'ms' },
      { title: 'p99', unit: 'ms' },
    ],
    ratio: 'to no admission, in the same round',
    rows: ENGINES.map(toRow),
  };
}
