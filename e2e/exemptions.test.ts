import { expect, it } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { member, valueAt } from '../src/objects/json.ts';
import { waitUntil } from './installed-curfew.ts';
import { setUpSuite } from './suite.ts';
import { HAS_AUDIT_LOG, pod, tokenSecret } from './test-cluster.ts';

const DAY_MS = 86_400_000;
const dayIn = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);

const rule = (name: string, match: JsonObject, more: JsonObject): JsonObject => ({
  name,
  match,
  reason: 'the build server cannot ask for tokens yet',
  owner: 'team-build',
  ...more,
});

const suite = setUpSuite({
  exemptions: {
    rules: [
      rule('build-server', { names: ['build-token'] }, { checks: ['long-lived-token-secret'], permanent: true }),
      rule('ending', { names: ['ending-token'] }, { expires: dayIn(3) }),
      rule('ended', { names: ['ended-token'] }, { expires: dayIn(-2) }),
      rule('generated', { names: ['web-*'], kinds: ['Pod'] }, { checks: ['pod-automount'], permanent: true }),
    ],
  },
});

it('An exempt Secret is stored without a word, and the audit log has why', async () => {
  const namespace = await suite.cluster.createNamespace();
  const { code, stderr } = await suite.cluster.kubectl.apply(tokenSecret('build-token', 'web'), ['-n', namespace]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  // The token controller fills the Secret by an update, which may be counted already.
  expect(await suite.curfew.metric('curfew_exemptions_total{exemption="build-server"')).toBeGreaterThan(0);

  if (!HAS_AUDIT_LOG) return;
  const events = await suite.cluster.controlPlane.auditEvents();
  const created = events.find(
    (event) =>
      member(event, 'verb') === 'create' &&
      valueAt(event, ['objectRef', 'namespace']) === namespace &&
      valueAt(event, ['objectRef', 'resource']) === 'secrets',
  );
  expect(member(created, 'annotations')).toMatchObject({
    'secrets.curfew.dev/exempt':
      'long-lived-token-secret by exemption build-server (owner team-build, permanent): the build server cannot ask for tokens yet',
  });
});

it('An exemption in its last days warns whoever uses it', async () => {
  const namespace = await suite.cluster.createNamespace();
  const { code, stderr } = await suite.cluster.kubectl.apply(tokenSecret('ending-token', 'web'), ['-n', namespace]);
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: `Warning: curfew: exemption ending ends on ${dayIn(3)}; its owner is team-build\n`,
  });
});

it('One that has ended is as if it were not there', async () => {
  const namespace = await suite.cluster.createNamespace();
  const { code, stderr } = await suite.cluster.kubectl.apply(tokenSecret('ended-token', 'web'), ['-n', namespace]);
  expect(code).toBe(1);
  expect(stderr).toContain('long-lived-token-secret at /type');
  expect(stderr).not.toContain('exempt');
});

it('A name that the API server makes is matched by its pattern, and another one is not', async () => {
  const namespace = await suite.cluster.createNamespace();
  const { metadata: _metadata, ...rest } = pod('web');
  const create = async (generateName: string) =>
    await suite.cluster.kubectl.run(['create', '-n', namespace, '-f', '-'], {
      input: JSON.stringify({ ...rest, metadata: { generateName } }),
    });
  // After the account is there, which says nothing of its token either.
  await suite.cluster.must(['label', 'namespace', namespace, 'curfew.dev/enforce=restricted']);
  await waitUntil('the label is in force', async () =>
    (await create('db-')).stderr.includes('pod-automount at /spec/containers/0/volumeMounts/0'),
  );
  expect(await create('web-')).toMatchObject({ code: 0, stderr: '' });
});
