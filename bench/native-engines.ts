/** What a pod takes longer for the same rules as webhook, as policies of the API server, and as both, on one API server. */

import { createApiClient } from '../e2e/api-client.ts';
import { startControlPlane } from '../e2e/control-plane.ts';
import { installCurfew } from '../e2e/installed-curfew.ts';
import { createKubectl } from '../e2e/kubectl.ts';
import { createPolicies, render, toConfiguration } from '../e2e/native-policies.ts';
import { findTools } from '../scripts/tools.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { openConnection, toRequest } from './connection.ts';
import { defineBenchmark, type Row, type Table } from './define-benchmark.ts';
import { quantile, ratioOf, toSample } from './measure.ts';
import { submittedPod } from './pods.ts';

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
      const times = await measure(controlPlane);
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

/** One request after the other over one connection, to each namespace in turn. */
async function measure({
  server,
  certificateAuthority,
  admin,
}: {
  readonly server: string;
  readonly certificateAuthority: string;
  readonly admin: { readonly certificate: string; readonly privateKey: string };
}): Promise<Times> {
  const tls = { ca: certificateAuthority, cert: admin.certificate, key: admin.privateKey };
  const connection = await openConnection({ port: Number(new URL(server).port), tls });
  const times: Times = { none: [], webhook: [], native: [], both: [] };
  for (let round = -WARM_UP; round < ROUNDS; round += 1) {
    for (const engine of ENGINES) {
      const body = JSON.stringify(submittedPod(`pod-${round + WARM_UP}`));
      const answer = await connection.send(toRequest(`/api/v1/namespaces/${engine}/pods?dryRun=All`, body));
      const text = answer.body.toString();
      if (answer.status !== 201) throw new Error(`${engine}: ${answer.status} ${text.slice(0, 400)}`);
      // Whoever measures nothing is fast.
      const isChanged = text.includes('"curfew.dev/mutated-by":"short-lived-api-token"');
      if (isChanged !== (engine !== 'none')) throw new Error(`${engine}: the token of the pod is not as it should be`);
      if (round >= 0) times[engine].push(answer.ms);
    }
  }
  connection.close();
  return times;
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
    about: `One client, dry runs over one connection, ${ROUNDS} rounds, each engine in turn in a namespace of its own that the other
leaves alone. Both have the same configuration, everything at restricted: the pod's API token is shortened, and then
judged in three modes. What has no form in CEL is off.`,
    columns: [
      { title: 'create a pod', unit: 'ms' },
      { title: 'added', unit: 'ms' },
      { title: 'p99', unit: 'ms' },
    ],
    ratio: 'to no admission, in the same round',
    rows: ENGINES.map(toRow),
  };
}
