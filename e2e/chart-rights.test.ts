/**
 * What the chart's service account may do, by the API server's own authorizer: every verb on every resource it serves is
 * asked about, in Curfew's namespace, in another one and in all. Nothing runs here: rights are there without pods.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, member, valueAt } from '../src/objects/json.ts';
import { IS_LONG } from '../test/long.ts';
import { runWith } from '../test/unit/cli/run-command.ts';
import { askForRights, listResources, listRights } from './account-rights.ts';
import { type ApiClient, createApiClient } from './api-client.ts';
import { RELEASE_NAMESPACE, renderChart, TASK_NAMESPACE } from './chart.ts';
import { waitUntil } from './installed-curfew.ts';
import { TASKS } from './task-rights.ts';
import { startTestCluster, type TestCluster, tokenSecret } from './test-cluster.ts';

const RBAC_KINDS = new Set(['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding']);

/** With default values, and what of DESIGN's list each line is for. */
const PUBLISHING = [
  'everywhere: get,patch mutatingwebhookconfigurations.admissionregistration.k8s.io NAME',
  'everywhere: get,patch validatingwebhookconfigurations.admissionregistration.k8s.io NAME',
];
/** Where the chart writes them, the server only looks. */
const COMPARING = PUBLISHING.map((line) => line.replace('get,patch', 'get'));
const PROVIDED = { mode: 'provided', provided: { existingSecret: 'serving' } };
const FOREIGN_WEBHOOKS = ['everywhere: list,watch mutatingwebhookconfigurations.admissionregistration.k8s.io'];
const INDEX = [
  'everywhere: get,list,watch namespaces',
  'everywhere: get,list,watch serviceaccounts',
  // Where the other replicas are.
  `in ${RELEASE_NAMESPACE}: list,watch endpointslices.discovery.k8s.io`,
];
const NAMESPACE_WARNINGS = ['everywhere: list pods'];
const AUTHORITY = [
  `in ${RELEASE_NAMESPACE}: create,get,patch,update secrets NAME-tls`,
  `in ${RELEASE_NAMESPACE}: get deployments.apps NAME`,
];
const EVENTS = [
  'everywhere: create,patch events.events.k8s.io',
  'everywhere: get jobs.batch',
  'everywhere: get replicasets.apps',
];
const SECRET_INDEX = ['everywhere: list,watch secrets'];

type Case = { readonly name: string; readonly values: JsonObject; readonly rights: readonly string[] };

const DEFAULTS: Case = {
  name: 'default values',
  values: {},
  rights: [...PUBLISHING, ...FOREIGN_WEBHOOKS, ...INDEX, ...NAMESPACE_WARNINGS, ...AUTHORITY],
};

/** Each switch takes its feature and the right for it away, or brings both. */
const CASES: readonly Case[] = [
  {
    name: 'config.namespaceWarnings.enabled=false',
    values: { config: { namespaceWarnings: { enabled: false } } },
    rights: [...PUBLISHING, ...FOREIGN_WEBHOOKS, ...INDEX, ...AUTHORITY],
  },
  {
    name: 'config.foreignWebhooks.watch=false',
    values: { config: { foreignWebhooks: { watch: false } } },
    rights: [...PUBLISHING, ...INDEX, ...NAMESPACE_WARNINGS, ...AUTHORITY],
  },
  {
    name: 'config.events.enabled=true',
    values: { config: { events: { enabled: true } } },
    rights: [...PUBLISHING, ...FOREIGN_WEBHOOKS, ...INDEX, ...NAMESPACE_WARNINGS, ...AUTHORITY, ...EVENTS],
  },
  {
    name: 'certificates.mode=provided',
    values: { certificates: PROVIDED },
    rights: [...PUBLISHING, ...FOREIGN_WEBHOOKS, ...INDEX, ...NAMESPACE_WARNINGS],
  },
  {
    name: 'certificates.mode=certManager',
    values: { certificates: { mode: 'certManager' } },
    rights: [...PUBLISHING, ...FOREIGN_WEBHOOKS, ...INDEX, ...NAMESPACE_WARNINGS],
  },
  {
    name: 'webhook.publishedBy=chart',
    values: { certificates: { mode: 'certManager' }, webhook: { publishedBy: 'chart' } },
    rights: [...COMPARING, ...FOREIGN_WEBHOOKS, ...INDEX, ...NAMESPACE_WARNINGS],
  },
  {
    name: 'config.apiAccess.approval=true',
    values: { config: { apiAccess: { approval: true } } },
    rights: [...PUBLISHING, ...FOREIGN_WEBHOOKS, ...INDEX, ...NAMESPACE_WARNINGS, ...AUTHORITY],
  },
  {
    name: 'config.secretIndex=true',
    values: { config: { secretIndex: true } },
    rights: [...PUBLISHING, ...FOREIGN_WEBHOOKS, ...INDEX, ...NAMESPACE_WARNINGS, ...AUTHORITY, ...SECRET_INDEX],
  },
  {
    name: 'everything off that can be',
    values: {
      config: { namespaceWarnings: { enabled: false }, foreignWebhooks: { watch: false } },
      certificates: { mode: 'certManager' },
      webhook: { publishedBy: 'chart' },
    },
    rights: [...COMPARING, ...INDEX],
  },
];

let cluster: TestCluster;
let api: ApiClient;
let otherNamespace: string;
let resources: Awaited<ReturnType<typeof listResources>>;
/** What RBAC gives every account there is, such as a review of its own rights. */
let common: ReadonlySet<string>;
let listedCommon: ReadonlySet<string>;

beforeAll(async () => {
  cluster = await startTestCluster();
  api = await createApiClient(cluster.kubeconfig);
  otherNamespace = await cluster.createNamespace();
  for (const name of [RELEASE_NAMESPACE, TASK_NAMESPACE]) await cluster.must(['create', 'namespace', name]);
  resources = await listResources(cluster);
  common = new Set(await ask('plain'));
  const { kubectl } = cluster;
  listedCommon = new Set(await listRights({ kubectl, account: accountOf('plain'), otherNamespace }));
});
afterAll(async () => {
  api.close();
  await cluster.controlPlane.stop();
});

describe('The service account of the chart', () => {
  it('is asked about everything that the API server serves', () => {
    const names = resources.map(({ group, name, subresource }) => [group, name, subresource].join('/'));
    expect(names).toEqual(
      expect.arrayContaining(['/secrets/', '/serviceaccounts/token', '/pods/exec', '/nodes/proxy']),
    );
    expect(names).toEqual(expect.arrayContaining(['apps/deployments/scale', 'rbac.authorization.k8s.io/roles/']));
    expect(names.length).toBeGreaterThan(100);
    expect([...common].join('\n')).toContain('create selfsubjectaccessreviews.authorization.k8s.io');
  });

  it('may do what its features take, and nothing else of all there is', async () => {
    const { values, rights } = DEFAULTS;
    await install('asked', values);
    const own = (await ask('asked')).filter((right) => !common.has(right));
    expect(own).toEqual(namedAfter('asked', rights));
  });

  it.each([DEFAULTS, ...CASES].map((given, index) => ({ ...given, release: `listed-${index}` })))(
    'is listed with the rights of its features with $name, and with no other',
    async ({ values, rights, release }) => {
      await install(release, values);
      const listed = await listRights({ kubectl: cluster.kubectl, account: accountOf(release), otherNamespace });
      expect(listed.filter((right) => !listedCommon.has(right))).toEqual(namedAfter(release, rights));
    },
  );
});

describe('The service account of a CronJob', () => {
  it.runIf(IS_LONG)('may do no more than its list says, of all there is', async () => {
    const [audit] = TASKS;
    if (audit === undefined) throw new Error('there is no task');
    await install('all-of-it', audit.values);
    const account = { namespace: TASK_NAMESPACE, name: 'all-of-it-audit' };
    const own = (await ask('all-of-it', account)).filter((right) => !common.has(right));
    // What is not installed is not served, and so not asked about.
    const served = new Set(resources.map(({ group, name }) => `${name}${group === '' ? '' : `.${group}`}`));
    expect(own).toEqual(audit.rights.filter((right) => served.has(right.split(' ').at(-1) ?? '')).toSorted());
  });

  it.each(TASKS.map((given, index) => ({ ...given, release: `task-${index}` })))(
    'is listed with what its work takes with $name, and it is enough',
    async ({ task, values, rights, release }) => {
      await install(release, values);
      const account = { namespace: TASK_NAMESPACE, name: `${release}-${task}` };
      const listed = await listRights({ kubectl: cluster.kubectl, account, otherNamespace });
      expect(listed.filter((right) => !listedCommon.has(right))).toEqual(rights.toSorted());

      const secret = `${release}-old`;
      await cluster.must(['create', '-n', otherNamespace, '-f', '-'], tokenSecret(secret, 'web'));
      // RBAC knows a service account by this name, whatever it shows.
      const user = await cluster.controlPlane.createUser(`system:serviceaccount:${TASK_NAMESPACE}:${account.name}`);
      const run = async (...args: readonly string[]) => await runWith({}, ...args, '--kubeconfig', user, '-o', 'json');
      if (task === 'audit') {
        const { code, out } = await run('audit', '--report-only');
        expect([code, member(JSON.parse(out), 'faults')]).toEqual([0, []]);
        return;
      }
      expect(await run('cleanup', 'plan')).toMatchObject({ code: 0 });
      const steps = asArray(valueAt(values, ['cleanup', 'steps'])).map(String);
      for (const step of ['invalidate', 'delete']) {
        const times = ['--unused-for', '0', '--invalid-for', '0', '--yes'];
        const { code, error } = await run('cleanup', step, `${otherNamespace}/${secret}`, ...times);
        const isThere = step === 'invalidate' || steps.includes('invalidate');
        expect([step, code]).toEqual([step, isThere && !steps.includes(step) ? 2 : 0]);
        if (code === 2) expect(error).toContain('HTTP 403 Forbidden');
      }
    },
  );
});

function accountOf(name: string): { readonly namespace: string; readonly name: string } {
  return { namespace: RELEASE_NAMESPACE, name };
}

async function ask(release: string, account = accountOf(release)): Promise<readonly string[]> {
  return await askForRights({
    api,
    resources,
    account,
    otherNamespace,
    names: [release, `${release}-tls`],
  });
}

function namedAfter(release: string, rights: readonly string[]): readonly string[] {
  return rights.map((right) => right.replace('NAME', release)).toSorted();
}

/** Applies the account and the rights of the chart, and waits until the authorizer knows them. */
async function install(release: string, values: JsonObject): Promise<void> {
  const objects = await renderChart({ fullnameOverride: release, ...values });
  const items = objects.filter((object) => RBAC_KINDS.has(asString(member(object, 'kind')) ?? ''));
  await cluster.must(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'List', items });
  await untilKnown(release);
}

/** The authorizer watches each kind in the order of its writes: a grant of each kind that is known came after ours. */
async function untilKnown(release: string): Promise<void> {
  const rule = ['--verb=get', '--resource=configmaps'];
  const subject = `--user=${release}-last`;
  for (const [kind, where] of [
    ['clusterrole', []],
    ['role', ['--namespace', RELEASE_NAMESPACE]],
  ] as const) {
    const name = `${release}-last-${kind}`;
    await cluster.must(['create', kind, name, ...rule, ...where]);
    await cluster.must(['create', `${kind}binding`, name, `--${kind}=${name}`, `${subject}-${kind}`, ...where]);
    await waitUntil(`the authorizer knows the last ${kind}`, async () => {
      const args = ['auth', 'can-i', 'get', 'configmaps', '--as', `${release}-last-${kind}`];
      return (await cluster.kubectl.run([...args, '--namespace', RELEASE_NAMESPACE])).code === 0;
    });
  }
}
