import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '../installed-curfew.ts';
import { tokenSecret } from '../test-cluster.ts';
import {
  CHART,
  CONFIGURATIONS,
  claimsOf,
  type InstalledChart,
  openCluster,
  RELEASE,
  RELEASE_NAMESPACE,
} from './installed-chart.ts';

let cluster: InstalledChart;

beforeAll(async () => {
  cluster = await openCluster();
  const restricted = 'pod-security.kubernetes.io/enforce=restricted';
  await cluster.kubectl.run(['create', 'namespace', RELEASE_NAMESPACE]);
  await cluster.must(['label', 'namespace', RELEASE_NAMESPACE, restricted, '--overwrite']);
  await cluster.install();
});

afterAll(async () => {
  await cluster.removeNamespaces();
});

describe('Installed with Helm and default values', () => {
  it('two replicas are ready, and deny a Secret with a token that never expires', async () => {
    expect(await cluster.countReady()).toBe(2);
    const namespace = await cluster.createNamespace('denied');
    await cluster.untilPublished();
    const { code, stderr } = await cluster.kubectl.apply(tokenSecret('old', 'default'), ['-n', namespace]);
    expect(code).toBe(1);
    expect(stderr).toContain('Secret denied/old: 1 problem\n\n  long-lived-token-secret at /type\n');
  });

  it('they run as nobody, can write nowhere, and have no shell', async () => {
    // One of an install before may still be ending.
    const staying = '{{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}} {{end}}{{end}}';
    const names = await cluster.must(['get', 'pods', '-n', RELEASE_NAMESPACE, '-o', `go-template=${staying}`]);
    const [pod = ''] = names.split(' ');
    const exec = ['exec', pod, '-n', RELEASE_NAMESPACE, '--'];
    const script = `const write = (path) => { try { require('node:fs').writeFileSync(path, ''); return 'written'; } catch ({ code }) { return code; } };
      console.log(process.getuid(), ['/x', '/tmp/x', '/curfew/x', '/etc/curfew/config/x'].map(write).join(' '));`;
    expect(await cluster.must([...exec, '/nodejs/bin/node', '--eval', script])).toBe('65532 EROFS EROFS EROFS EROFS\n');
    const { code, stderr } = await cluster.kubectl.run([...exec, 'sh', '-c', 'true']);
    expect(code).not.toBe(0);
    expect(stderr).toContain('"sh": executable file not found');
  });

  it('a token that is asked for too long is refused in our words, or shortened where a namespace says so', async () => {
    const create = ['create', 'token', 'web', '--duration=48h', '-n'];
    const refusing = await cluster.createNamespace('asked');
    await cluster.createAccount(refusing);
    await cluster.untilPublished();
    const { code, stdout, stderr } = await cluster.kubectl.run([...create, refusing]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('expirationSeconds: 172800 (48h) is more than the limit, 86400 (24h).');

    const capping = await cluster.createNamespace('capped', { 'curfew.dev/mutate': 'baseline' });
    await cluster.createAccount(capping);
    const { exp, iat } = claimsOf(await cluster.must([...create, capping]));
    expect(exp - iat).toBe(86_400);
  });
});

describe('helm test', () => {
  it('says that the API server can call the Service, and leaves no pod', async () => {
    const printed = await cluster.helm(['test', RELEASE, '--namespace', RELEASE_NAMESPACE, '--timeout', '90s']);
    expect(printed).toMatch(/TEST SUITE: +curfew-test\n/);
    expect(printed).toMatch(/Phase: +Succeeded/);
    await expect(cluster.must(['get', 'pod', 'curfew-test', '-n', RELEASE_NAMESPACE])).rejects.toThrow('not found');
  });

  it('runs a pod that passes our own level restricted, too', async () => {
    const namespace = await cluster.createNamespace('own-medicine', {
      'curfew.dev/enforce': 'restricted',
      'pod-security.kubernetes.io/enforce': 'restricted',
    });
    const render = async (template: string) =>
      await cluster.helm([
        'template',
        RELEASE,
        CHART,
        '--namespace',
        namespace,
        '--show-only',
        `templates/${template}`,
      ]);
    for (const template of ['serviceaccount.yaml', 'tests/probe.yaml']) {
      const dryRun = template.startsWith('tests') ? ['--dry-run=server'] : [];
      const input = await render(template);
      const { code, stderr } = await cluster.kubectl.run(['create', '-f', '-', ...dryRun], { input });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
  });
});

describe('helm uninstall', () => {
  it('leaves no webhook configuration and no Secret, and the namespace can be deleted', async () => {
    await cluster.uninstall();
    expect(await cluster.must(['get', CONFIGURATIONS, '-o', 'name'])).toBe('');
    await waitUntil('the Secret is gone with its Deployment', async () => {
      return (await cluster.must(['get', 'secrets', '-n', RELEASE_NAMESPACE, '-o', 'name'])) === '';
    });
    const roles = await cluster.must(['get', 'clusterroles,clusterrolebindings', '-o', 'name']);
    expect(roles).not.toContain('curfew');
    await cluster.must(['delete', 'namespace', RELEASE_NAMESPACE, '--timeout=60s']);
  });
});
