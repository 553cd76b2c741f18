import { expect, it } from 'vitest';
import { asArray, member, valueAt } from '../src/objects/json.ts';
import { waitUntil } from './installed-curfew.ts';
import { setUpSuite } from './suite.ts';
import { HAS_AUDIT_LOG, pod, tokenSecret } from './test-cluster.ts';

const suite = setUpSuite({ dryRun: true, levels: { enforce: 'restricted' }, mutateMode: 'apply' });

it('denies nothing, and says what it would have denied', async () => {
  const namespace = await suite.cluster.createNamespace();
  const { code, stderr } = await suite.cluster.kubectl.apply(tokenSecret('ci-token', 'web'), ['-n', namespace]);
  expect(code).toBe(0);
  expect(stderr).toBe(
    'Warning: curfew long-lived-token-secret (would deny): a token that never expires; use kubectl create token or a projected token\n',
  );
});

it('changes nothing, and records what it would have changed and denied', async () => {
  const namespace = await suite.cluster.createNamespace({ 'curfew.dev/mutate': 'baseline' });
  const { code, stderr } = await suite.cluster.kubectl.apply(pod('web'), ['-n', namespace]);
  expect(code).toBe(0);
  expect(stderr).toContain('Warning: curfew pod-automount (would deny): undocumented API token in container app');
  const stored: unknown = JSON.parse(await suite.cluster.must(['get', 'pod', 'web', '-n', namespace, '-o', 'json']));
  const source = ['spec', 'volumes', 0, 'projected', 'sources', 0, 'serviceAccountToken', 'expirationSeconds'];
  expect(valueAt(stored, source)).toBe(3607);
  expect(valueAt(stored, ['metadata', 'annotations', 'curfew.dev/mutated-by'])).toBeUndefined();

  if (!HAS_AUDIT_LOG) return;
  const events = await suite.cluster.controlPlane.auditEvents();
  const created = events.find(
    (event) =>
      valueAt(event, ['objectRef', 'namespace']) === namespace && valueAt(event, ['objectRef', 'resource']) === 'pods',
  );
  expect(Object.keys(member(created, 'annotations') ?? {})).toEqual(
    expect.arrayContaining(['pods.curfew.dev/would-deny', 'pods.curfew.dev/would-mutate', 'pods.curfew.dev/audit']),
  );
});

it('counts what it would have done', async () => {
  const wouldDeny = 'curfew_evaluations_total{check="pod-automount",mode="enforce",decision="would_deny"';
  expect(await suite.curfew.metric(wouldDeny)).toBeGreaterThan(0);
  expect(
    await suite.curfew.metric('curfew_evaluations_total{check="pod-automount",mode="enforce",decision="deny"'),
  ).toBe(0);
  expect(
    await suite.curfew.metric('curfew_mutations_total{mutation="short-lived-api-token",decision="would_mutate"'),
  ).toBe(1);
});

it('has every entry fail open, so that nothing is held up when it is down', async () => {
  const kinds = 'validatingwebhookconfigurations,mutatingwebhookconfigurations';
  const list: unknown = JSON.parse(await suite.cluster.must(['get', kinds, '-o', 'json']));
  const policies = asArray(member(list, 'items'))
    .flatMap((item) => asArray(member(item, 'webhooks')))
    .map((webhook) => member(webhook, 'failurePolicy'));
  expect(new Set(policies)).toEqual(new Set(['Ignore']));

  await suite.curfew.stopProcess();
  const namespace = await suite.cluster.createNamespace();
  await waitUntil(
    'a pod is admitted',
    async () => (await suite.cluster.kubectl.apply(pod('web'), ['-n', namespace])).code === 0,
  );
});
