import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../scripts/run-program.ts';
import { findTools } from '../scripts/tools.ts';
import { asArray, member } from '../src/objects/json.ts';
import { CHART_FOLDER, RELEASE_NAMESPACE } from './chart.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { createKubectl, type Kubectl } from './kubectl.ts';
import { tokenSecret } from './test-cluster.ts';

/** What a ready replica writes into an entry, as its publisher does: guarded by the entry's name. */
const PUBLISHED = [
  { op: 'test', path: '/webhooks/0/name', value: 'pods.curfew.dev' },
  {
    op: 'add',
    path: '/webhooks/0/rules',
    value: [{ apiGroups: ['example.org'], apiVersions: ['v1'], resources: ['nothings'], operations: ['CREATE'] }],
  },
  { op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: Buffer.from('not looked at').toString('base64') },
];

describe.each(['helm', 'helm3'] as const)('%s', (name) => {
  let controlPlane: ControlPlane | undefined;
  let kubectl: Kubectl;
  let binary = '';

  beforeAll(async () => {
    const tools = await findTools([name, 'kubectl']);
    binary = tools[name];
    controlPlane = await startControlPlane();
    kubectl = createKubectl({ binary: tools.kubectl, kubeconfig: controlPlane.kubeconfig });
  });
  afterAll(async () => {
    await controlPlane?.stop();
  });

  it('installs, and an image that never starts denies nothing', async () => {
    await helm(['install', 'curfew', CHART_FOLDER, '--create-namespace']);
    await must(['create', 'serviceaccount', 'web', '-n', 'default']);
    const { code } = await kubectl.apply(tokenSecret('ci-token', 'web'), ['-n', 'default']);
    expect(code).toBe(0);
  });

  it('upgrades with and without a change, and leaves what was published', async () => {
    const patch = ['patch', 'validatingwebhookconfiguration', 'curfew', '--type=json', '-p', JSON.stringify(PUBLISHED)];
    await must(patch);
    await helm(['upgrade', 'curfew', CHART_FOLDER]);
    await helm([
      'upgrade',
      'curfew',
      CHART_FOLDER,
      '--set',
      'config.excludedNamespaces={platform}',
      '--set',
      'replicas=3',
    ]);
    const [entry] = asArray(member(await configuration(), 'webhooks'));
    expect(member(entry, 'rules')).toMatchObject([{ resources: ['nothings'] }]);
    expect(JSON.stringify(entry)).toContain('"platform"');
    expect(JSON.stringify(entry)).toContain('caBundle');
  });

  it('uninstalls and leaves no webhook configuration', async () => {
    await helm(['uninstall', 'curfew']);
    const kinds = 'validatingwebhookconfigurations,mutatingwebhookconfigurations,clusterroles,clusterrolebindings';
    expect(await must(['get', kinds, '-l', 'app.kubernetes.io/name=curfew', '-o', 'name'])).toBe('');
  });

  async function helm(args: readonly string[]): Promise<void> {
    const env = { ...process.env, KUBECONFIG: controlPlane?.kubeconfig };
    const { code, stderr } = await runProgram(binary, [...args, '--namespace', RELEASE_NAMESPACE], { env });
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  }

  async function must(args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await kubectl.run(args);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }

  async function configuration(): Promise<unknown> {
    return JSON.parse(await must(['get', 'validatingwebhookconfiguration', 'curfew', '-o', 'json']));
  }
});
