/** The CronJobs of the chart: their rights, their pods, and that the command line takes their arguments. */

import { beforeAll, describe, expect, it } from 'vitest';
import { asArray, asString, type JsonObject, member, valueAt } from '../../src/objects/json.ts';
import { readConfiguration } from '../../src/policy/configuration.ts';
import { run } from '../unit/cli/run-command.ts';
import { findHelms, parse, render } from './rendering.ts';

const TASKS = ['audit', 'cleanup'] as const;
const VALUES = 'tasks-values.yaml';

beforeAll(async () => {
  await findHelms();
});

async function objectsOf(settings: readonly string[], file?: string): Promise<readonly JsonObject[]> {
  return parse(await render('helm', file, settings));
}

function pick(objects: readonly JsonObject[], kind: string, name: string): JsonObject | undefined {
  return objects.find((object) => member(object, 'kind') === kind && valueAt(object, ['metadata', 'name']) === name);
}

function rulesOf(objects: readonly JsonObject[], task: string): readonly string[] {
  return asArray(member(pick(objects, 'ClusterRole', `curfew-${task}`), 'rules')).map((rule) => JSON.stringify(rule));
}

/** The spec of its pods. */
function podOf(objects: readonly JsonObject[], task: string) {
  const cronJob = pick(objects, 'CronJob', `curfew-${task}`);
  return valueAt(cronJob, ['spec', 'jobTemplate', 'spec', 'template', 'spec']);
}

function containersOf(objects: readonly JsonObject[], task: string) {
  const pod = podOf(objects, task);
  return [...asArray(member(pod, 'initContainers')), ...asArray(member(pod, 'containers'))];
}

describe('The CronJobs', () => {
  it('are off by default, and each brings its own objects alone', async () => {
    const without = await objectsOf([]);
    const name = (object: JsonObject) =>
      `${asString(member(object, 'kind'))} ${asString(valueAt(object, ['metadata', 'name']))}`;
    for (const task of TASKS) {
      const more = (await objectsOf([`${task}.enabled=true`]))
        .map(name)
        .filter((one) => !without.map(name).includes(one));
      expect(more.toSorted()).toEqual([
        `ClusterRole curfew-${task}`,
        `ClusterRoleBinding curfew-${task}`,
        `ConfigMap curfew-${task}`,
        `CronJob curfew-${task}`,
        'Namespace curfew-tasks',
        `ServiceAccount curfew-${task}`,
      ]);
    }
    const there = await objectsOf(['audit.enabled=true', 'tasks.createNamespace=false']);
    expect(pick(there, 'Namespace', 'curfew-tasks')).toBeUndefined();
  });

  it('may list for an audit, and of Secrets write what the steps of a cleaning take', async () => {
    const audit = rulesOf(await objectsOf(['audit.enabled=true']), 'audit');
    expect(audit.length).toBeGreaterThan(5);
    for (const rule of audit) expect(rule).toContain('"verbs":["list"]');
    const cleanup = async (steps: string) =>
      rulesOf(await objectsOf(['cleanup.enabled=true', `cleanup.steps={${steps}}`]), 'cleanup');
    const plan = await cleanup('plan');
    for (const rule of plan)
      expect(rule).toMatch(/"verbs":\["list"\]|"resourceNames":\[.*tracking"\],"verbs":\["get"\]/);
    const write = (...verbs: readonly string[]) => [JSON.stringify({ apiGroups: [''], resources: ['secrets'], verbs })];
    expect((await cleanup('invalidate')).filter((rule) => !plan.includes(rule))).toEqual(write('patch'));
    expect((await cleanup('delete')).filter((rule) => !plan.includes(rule))).toEqual(write('delete'));
    expect((await cleanup('delete,invalidate')).filter((rule) => !plan.includes(rule))).toEqual(
      write('patch', 'delete'),
    );
  });

  it.each(TASKS)('run %s as an account of its own, bound to its own role', async (task) => {
    const objects = await objectsOf([], VALUES);
    const account = { kind: 'ServiceAccount', name: `curfew-${task}`, namespace: 'curfew-tasks' };
    expect(member(pick(objects, 'ClusterRoleBinding', `curfew-${task}`), 'subjects')).toEqual([account]);
    expect(member(pick(objects, 'ServiceAccount', `curfew-${task}`), 'automountServiceAccountToken')).toBe(false);
    expect(member(podOf(objects, task), 'serviceAccountName')).toBe(`curfew-${task}`);
    for (const object of objects) {
      if (!`${asString(valueAt(object, ['metadata', 'name']))}`.endsWith(`-${task}`)) continue;
      expect([undefined, 'curfew-tasks']).toContain(valueAt(object, ['metadata', 'namespace']));
    }
  });

  it.each(TASKS)('run %s in pods of the restricted Pod Security level, with a token of an hour', async (task) => {
    const objects = await objectsOf([], VALUES);
    const pod = podOf(objects, task);
    expect(member(pod, 'automountServiceAccountToken')).toBe(false);
    expect(member(pod, 'securityContext')).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    for (const container of containersOf(objects, task)) {
      expect(member(container, 'securityContext')).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(valueAt(container, ['resources', 'limits', 'memory'])).toBe('512Mi');
    }
    const tokens = JSON.stringify(member(pod, 'volumes')).match(/"serviceAccountToken":\{[^}]*\}/g);
    expect(tokens).toEqual(['"serviceAccountToken":{"path":"token","expirationSeconds":3600}']);
    expect(valueAt(pick(objects, 'Namespace', 'curfew-tasks'), ['metadata', 'labels'])).toMatchObject({
      'pod-security.kubernetes.io/enforce': 'restricted',
    });
  });

  it.each(TASKS)('of %s let nobody in, and reach the API server, the Pushgateway and names', async (task) => {
    const objects = await objectsOf([], VALUES);
    const spec = member(pick(objects, 'NetworkPolicy', `curfew-${task}`), 'spec');
    const template = valueAt(pick(objects, 'CronJob', `curfew-${task}`), ['spec', 'jobTemplate', 'spec', 'template']);
    expect(valueAt(template, ['metadata', 'labels'])).toMatchObject(
      valueAt(spec, ['podSelector', 'matchLabels']) as JsonObject,
    );
    expect(member(spec, 'policyTypes')).toEqual(['Ingress', 'Egress']);
    expect(member(spec, 'ingress')).toEqual([]);
    const ports = asArray(member(spec, 'egress')).map((rule) =>
      asArray(member(rule, 'ports')).map((one) => member(one, 'port')),
    );
    expect(ports).toEqual([[443, 6443], [9091], [53, 53]]);
    const closed = await objectsOf(['tasks.metrics.url='], VALUES);
    expect(asArray(valueAt(pick(closed, 'NetworkPolicy', `curfew-${task}`), ['spec', 'egress']))).toHaveLength(1);
  });

  it.each(TASKS)('give %s a configuration that is valid, and arguments that the command line takes', async (task) => {
    const objects = await objectsOf(
      ['cleanup.steps={plan,delete,invalidate}', 'cleanup.backup.existingClaim='],
      VALUES,
    );
    const text = asString(valueAt(pick(objects, 'ConfigMap', `curfew-${task}`), ['data', 'configuration.yaml'])) ?? '';
    expect(readConfiguration(parse(text)[0] ?? {})).toMatchObject({ ok: true });
    const all = containersOf(objects, task).map((container) => asArray(member(container, 'args')).map(String));
    expect(all.map((args) => args.slice(0, 2))).toEqual(
      task === 'audit'
        ? [['audit', '--report-only']]
        : [
            ['cleanup', 'plan'],
            ['cleanup', 'delete'],
            ['cleanup', 'invalidate'],
          ],
    );
    for (const args of all) {
      // There is no such file here, which is not a wrong command line.
      expect(await run(...args)).toMatchObject({ code: 2, error: expect.stringContaining('/etc/curfew/config') });
    }
  });

  it('write files of an audit to a volume where one is named, and take no more rights for it', async () => {
    const files = 'audit.report.files';
    const without = await objectsOf(['audit.enabled=true']);
    const objects = await objectsOf([
      'audit.enabled=true',
      `${files}.existingClaim=reports`,
      `${files}.names={a.html,b.json}`,
    ]);
    const [container] = containersOf(objects, 'audit');
    expect(asArray(member(container, 'args')).map(String).join(' ')).toContain(
      '--output-file /reports/a.html --output-file /reports/b.json',
    );
    const mounts = asArray(member(container, 'volumeMounts'));
    expect(mounts).toContainEqual({ name: 'reports', mountPath: '/reports' });
    const volume = { name: 'reports', persistentVolumeClaim: { claimName: 'reports' } };
    expect(asArray(member(podOf(objects, 'audit'), 'volumes'))).toContainEqual(volume);
    expect(rulesOf(objects, 'audit')).toEqual(rulesOf(without, 'audit'));
    expect(JSON.stringify(podOf(without, 'audit'))).not.toContain('reports');
  });

  it.each(['audit', 'audit.exe', '../audit.html', 'sub/audit.html', '.html'])('take no file named %s', async (name) => {
    const settings = [
      'audit.enabled=true',
      'audit.report.files.existingClaim=reports',
      `audit.report.files.names={${name}}`,
    ];
    await expect(objectsOf(settings)).rejects.toThrow('/audit/report/files/names/0');
  });

  it('have names that a CronJob can have, however long that of the release is', async () => {
    const objects = await objectsOf([`fullnameOverride=${'a'.repeat(63)}`], VALUES);
    const names = objects
      .filter((object) => member(object, 'kind') === 'CronJob')
      .map((one) => valueAt(one, ['metadata', 'name']));
    expect(names).toEqual([`${'a'.repeat(43)}-audit`, `${'a'.repeat(43)}-cleanup`]);
  });
});
