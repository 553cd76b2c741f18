/** The CronJobs as pods of a node: what they may, what they find, and the volumes they write to. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatMark, MARK_ANNOTATION, toDay } from '../../src/cleanup/mark.ts';
import { asArray, asString, type JsonObject, member, valueAt } from '../../src/objects/json.ts';
import { waitUntil } from '../installed-curfew.ts';
import { BUSYBOX_IMAGE } from '../node/container-runtime.ts';
import { NODE } from '../node/layout.ts';
import { POLICY_REPORT_KINDS } from '../policy-report-kinds.ts';
import { tokenSecret } from '../test-cluster.ts';
import { untilEstablished } from '../workloads.ts';
import { type InstalledChart, openCluster, sleepingPod } from './installed-chart.ts';

const TASKS = 'curfew-tasks';
const IN_TASKS = ['-n', TASKS];
const CLAIMS = ['audit-reports', 'deleted-secrets'] as const;
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since';
const FORTY_DAYS_MS = 40 * 86_400_000;

const VALUES: JsonObject = {
  replicas: 1,
  audit: {
    enabled: true,
    report: {
      policyReports: 'openreports.io',
      files: { existingClaim: CLAIMS[0], names: ['audit.html', 'audit.json'] },
    },
  },
  cleanup: {
    enabled: true,
    steps: ['delete', 'invalidate'],
    backup: { existingClaim: CLAIMS[1] },
    // What the tests make was made a moment ago.
    extraArgs: ['--unused-for', '0'],
  },
};

let cluster: InstalledChart;
/** Whose Secrets are cleaned. */
let namespace = '';
let freshToken = '';

beforeAll(async () => {
  cluster = await openCluster();
  namespace = await cluster.createNamespace('before-curfew');
  await createSecrets();
  for (const kind of POLICY_REPORT_KINDS['openreports.io']) await cluster.must(['apply', '-f', '-'], kind);
  await untilEstablished(cluster, 'crd', '--all');
  // For a moment after that the API server answers 429: its storage of the kind is not ready yet.
  const list = async (kind: string) => await cluster.kubectl.run(['get', `${kind}.openreports.io`, '--all-namespaces']);
  await waitUntil('the kinds are served', async () => {
    const answers = await Promise.all(['reports', 'clusterreports'].map(list));
    return answers.every(({ code }) => code === 0);
  });
  await cluster.install(
    Object.entries(VALUES).flatMap(([key, value]) => ['--set-json', `${key}=${JSON.stringify(value)}`]),
  );
  await cluster.untilPublished();
  // The strictest there is: what makes these pods is judged as everybody else is.
  const strict = ['enforce', 'mutate'].map((mode) => `curfew.dev/${mode}=restricted`);
  await cluster.must([
    'label',
    'namespace',
    TASKS,
    ...strict,
    'pod-security.kubernetes.io/enforce=restricted',
    '--overwrite',
  ]);
  for (const claim of CLAIMS) await createClaim(claim);
});

afterAll(async () => {
  await cluster.removeNamespaces();
  await cluster.uninstall();
  await cluster.must(['delete', 'persistentvolume', ...CLAIMS, '--ignore-not-found', '--wait=false']);
  await cluster.must(['delete', 'crd', '--all', '--wait=false']);
});

/** One that nobody needs, one that a pod mounts, and one that was made invalid forty days ago. */
async function createSecrets(): Promise<void> {
  await cluster.createAccount(namespace);
  for (const name of ['fresh', 'mounted', 'old']) {
    const secret = tokenSecret(name, 'web');
    await cluster.must(['create', '-n', namespace, '-f', '-'], secret);
  }
  const at = Date.now() - FORTY_DAYS_MS;
  await cluster.must(['label', 'secret', 'old', '-n', namespace, `${INVALID_SINCE}=${toDay(at)}`]);
  const mark = formatMark({ at, lastUsed: undefined });
  await cluster.must(['annotate', 'secret', 'old', '-n', namespace, `${MARK_ANNOTATION}=${mark}`]);
  await cluster.runPod(
    namespace,
    sleepingPod('web', { volumes: [{ name: 'token', secret: { secretName: 'mounted' } }] }),
  );
  const read = async () =>
    await cluster.must(['get', 'secret', 'fresh', '-n', namespace, '-o', 'jsonpath={.data.token}']);
  await waitUntil('the Secret is filled', async () => (await read()) !== '');
  freshToken = Buffer.from(await read(), 'base64').toString();
}

/** On the node's disk, in a folder that belongs to root: `fsGroup` alone lets the pods write there. */
async function createClaim(name: string): Promise<void> {
  const path = join(process.env['CURFEW_CLUSTER_STATE'] ?? '', name);
  await mkdir(path, { recursive: true, mode: 0o755 });
  const size = { storage: '10Mi' };
  const values = [{ key: 'kubernetes.io/hostname', operator: 'In', values: [NODE.name] }];
  const volume: JsonObject = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: size,
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: '',
      claimRef: { namespace: TASKS, name },
      local: { path },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: values }] } },
    },
  };
  const claim: JsonObject = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: TASKS },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', volumeName: name, resources: { requests: size } },
  };
  await cluster.must(['create', '-f', '-'], [volume, claim]);
}

/** Runs a CronJob now, and waits for its end. */
async function runTask(task: string, job: string): Promise<void> {
  await cluster.must(['create', 'job', `--from=cronjob/curfew-${task}`, job, ...IN_TASKS]);
  const ended = ['get', 'job', job, ...IN_TASKS, '-o', 'jsonpath={.status.conditions[?(@.status=="True")].type}'];
  let conditions = '';
  await waitUntil(
    `${job} has ended`,
    async () => /Complete|Failed/.test((conditions = await cluster.must(ended))),
    90_000,
  );
  if (conditions.includes('Complete')) return;
  const { stdout, stderr } = await cluster.kubectl.run(['logs', `job/${job}`, '--all-containers', ...IN_TASKS]);
  throw new Error(`${job} has ended as ${conditions}: ${stdout}${stderr}`);
}

/** Its report. What it says to people is on standard error: in the same log, and in the midst of it, for a runtime reads both at once. */
async function readReport(job: string, container: string): Promise<unknown> {
  const log = await cluster.must(['logs', `job/${job}`, '-c', container, ...IN_TASKS]);
  expect(log).not.toContain('eyJ');
  const lines = log.split('\n').filter((line) => /^(?:[{}]$| )/.test(line));
  const text = /^\{\n[^]*?^\}$/m.exec(lines.join('\n'))?.[0];
  if (text === undefined) throw new Error(`no report is in the log of ${job}: ${log}`);
  return JSON.parse(text);
}

/** As a pod that serves it would: of another user, with the claim mounted to be read. */
async function readFiles(claim: string, command: string): Promise<string> {
  const pod = `reader-of-${claim}`;
  const spec: JsonObject = {
    serviceAccountName: 'default',
    automountServiceAccountToken: false,
    restartPolicy: 'Never',
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 1234,
      runAsGroup: 1234,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: 'app',
        image: BUSYBOX_IMAGE,
        command: ['sh', '-c', command],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        volumeMounts: [{ name: 'files', mountPath: '/files', readOnly: true }],
      },
    ],
    volumes: [{ name: 'files', persistentVolumeClaim: { claimName: claim, readOnly: true } }],
  };
  await cluster.must(['create', ...IN_TASKS, '-f', '-'], sleepingPod(pod, spec));
  await cluster.must(['wait', '--for=jsonpath={.status.phase}=Succeeded', `pod/${pod}`, ...IN_TASKS, '--timeout=60s']);
  return await cluster.must(['logs', pod, ...IN_TASKS]);
}

const namesOf = (secrets: unknown) => asArray(secrets).map((one) => asString(member(one, 'name')));

describe('The CronJob audit', () => {
  let report: unknown;

  it('reads everything that it asks for, by its own rights alone, and finds the tokens that never expire', async () => {
    await runTask('audit', 'audit-now');
    report = await readReport('audit-now', 'audit');
    expect(member(report, 'kind')).toBe('AuditReport');
    expect(member(report, 'faults')).toEqual([]);
    expect(namesOf(member(report, 'longLivedSecrets'))).toEqual(['fresh', 'mounted', 'old']);
  });

  it('leaves the page and the report in the volume, whole, for others to read', async () => {
    const listed = 'cd /files && ls && cat audit.html && echo && echo ---- && cat audit.json';
    const text = await readFiles('audit-reports', listed);
    expect(text).toMatch(/^audit\.html\naudit\.json\n<!doctype html>/i);
    const [page = '', json = ''] = text.split('\n----\n');
    expect(page).toContain('</html>');
    expect(page).toContain('before-curfew');
    expect(JSON.parse(json)).toEqual(report);
  });

  it('leaves policy reports in the cluster', async () => {
    const names = await cluster.must(['get', 'reports.openreports.io', '-n', namespace, '-o', 'name']);
    expect(names).toBe('report.openreports.io/curfew-audit\n');
  });
});

describe('The CronJob cleanup', () => {
  it('deletes what was invalid for long enough, makes invalid what nobody needs, and leaves the rest', async () => {
    expect(await cluster.isAuthenticated(freshToken)).toBe(true);
    await runTask('cleanup', 'cleanup-now');
    const [deleted, invalidated] = [
      await readReport('cleanup-now', 'delete'),
      await readReport('cleanup-now', 'invalidate'),
    ];
    const done = (from: unknown) =>
      namesOf(asArray(member(from, 'secrets')).filter((secret) => member(secret, 'done') !== undefined));
    expect([done(deleted), done(invalidated)]).toEqual([['old'], ['fresh']]);
    const left = JSON.parse(await cluster.must(['get', 'secrets', '-n', namespace, '-o', 'json']));
    const invalidSince = asArray(member(left, 'items')).map((secret) => [
      valueAt(secret, ['metadata', 'name']),
      valueAt(secret, ['metadata', 'labels', INVALID_SINCE]),
    ]);
    expect(invalidSince).toEqual([
      ['fresh', toDay(Date.now())],
      ['mounted', undefined],
    ]);
    // The API server remembers a good answer for ten seconds.
    await waitUntil('the token is refused', async () => !(await cluster.isAuthenticated(freshToken)));
  });

  it('has written the metadata of what it deleted to its volume, for its own user alone', async () => {
    // The folder belongs to the group of the pods; the file is of their user alone.
    expect(await readFiles('deleted-secrets', 'ls -ln /files; cat /files/deleted.jsonl 2>&1; true')).toMatch(
      /-rw-------\s+1 65532\s+65532\s.*deleted\.jsonl\ncat: .*Permission denied/,
    );
  });
});
