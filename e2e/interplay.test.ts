import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, valueAt } from '../src/objects/json.ts';
import { LEVELS } from '../src/objects/level.ts';
import { checkText } from '../test/fuzz/invariants.ts';
import { HOSTILE_OBJECTS } from '../test/hostile/objects.ts';
import { openApi } from './api-client.ts';
import { MOST_BYTES, send } from './hostile-objects.ts';
import { setUpSuite } from './suite.ts';
import { pod, tokenVolume } from './test-cluster.ts';

const suite = setUpSuite({});

/** Without the label what would be changed is reported; with it the change is made. */
const MUTATE = ['not set', ...LEVELS];
const MATRIX = MUTATE.flatMap((mutate) => LEVELS.map((enforce) => ({ mutate, enforce })));

describe('A pod with nothing but the default token', () => {
  it.concurrent.each(MATRIX)('where mutate is $mutate and enforce is $enforce', async ({ mutate, enforce }) => {
    const labels = { 'curfew.dev/enforce': enforce, ...(mutate === 'not set' ? {} : { 'curfew.dev/mutate': mutate }) };
    const namespace = await suite.cluster.createNamespace(labels);
    const { code, stdout, stderr } = await create(namespace, pod('web'));
    const seconds = /"expirationSeconds": *([0-9]+)/.exec(stdout)?.[1];
    // Enforced at restricted the token is refused as undocumented, unless the mutation has taken it away before; how long
    // it lives is no reason to refuse it.
    const isTaken = mutate === 'restricted';
    const isRefused = enforce === 'restricted' && !isTaken;
    const lifetime = isShortened(mutate) ? '3600' : '3607';
    expect({ namespace: labels, code, stderr, seconds }).toEqual({
      namespace: labels,
      code: isRefused ? 1 : 0,
      stderr: isTaken ? '' : expect.stringContaining('pod-automount'),
      seconds: isRefused || isTaken ? undefined : lifetime,
    });
    if (isRefused) expect(stderr).toContain('pod-automount at /spec/containers/0/volumeMounts/0');
    expect(stderr).not.toContain('year-long-token');
  });

  it.concurrent.each(MATRIX)(
    'and documented access, where mutate is $mutate and enforce is $enforce',
    async ({ mutate, enforce }) => {
      const labels = {
        'curfew.dev/enforce': enforce,
        ...(mutate === 'not set' ? {} : { 'curfew.dev/mutate': mutate }),
      };
      const namespace = await suite.cluster.createNamespace(labels, { withoutAccount: true });
      await suite.cluster.must(['create', '-f', '-'], {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'web', namespace, annotations: { 'curfew.dev/api-access': 'lists its own endpoints' } },
      });
      const { code, stdout, stderr } = await create(namespace, pod('web'));
      const seconds = /"expirationSeconds": *([0-9]+)/.exec(stdout)?.[1];
      expect({ code, stderr, seconds }).toMatchObject({ code: 0, seconds: isShortened(mutate) ? '3600' : '3607' });
    },
  );
});

describe('A pod with a token of half a day for Vault', () => {
  it.concurrent.each(MATRIX)('where mutate is $mutate and enforce is $enforce', async ({ mutate, enforce }) => {
    const labels = { 'curfew.dev/enforce': enforce, ...(mutate === 'not set' ? {} : { 'curfew.dev/mutate': mutate }) };
    const namespace = await suite.cluster.createNamespace(labels);
    const volumes = [tokenVolume({ audience: 'vault', expirationSeconds: 43_200 })];
    const object = pod('web', { automountServiceAccountToken: false, volumes });
    const { code, stdout, stderr } = await create(namespace, object);
    const seconds = /"expirationSeconds": *([0-9]+)/.exec(stdout)?.[1];
    const isCapped = mutate === 'restricted';
    const isRefused = enforce === 'restricted' && !isCapped;
    expect({ namespace: labels, code, stderr, seconds }).toEqual({
      namespace: labels,
      code: isRefused ? 1 : 0,
      stderr: isCapped ? '' : expect.stringContaining('token-lifetime'),
      seconds: isRefused ? undefined : isCapped ? '3600' : '43200',
    });
  });
});

function isShortened(mutate: string): boolean {
  return mutate === 'baseline' || mutate === 'restricted';
}

async function create(namespace: string, object: JsonObject) {
  const args = ['create', '-n', namespace, '-f', '-', '--dry-run=server', '-o', 'json'];
  return await suite.cluster.kubectl.run(args, { input: JSON.stringify(object) });
}

describe('Objects that nobody writes by mistake', () => {
  const sent = HOSTILE_OBJECTS.filter(({ object }) => JSON.stringify(object()).length < MOST_BYTES);

  it('get the verdict that is expected of each, where the API server itself takes them', async () => {
    const namespace = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'restricted' });
    const api = await openApi(suite.cluster);
    const judged: string[] = [];
    for (const hostile of sent) {
      const { name, isAllowed, says } = hostile;
      const fate = await send(api, hostile, namespace);
      if (fate.by === 'api server') continue;
      judged.push(name);
      expect({ name, isAllowed: fate.by === 'nobody' }).toEqual({ name, isAllowed });
      if (fate.by === 'nobody') continue;
      expect(fate.message).toContain(says);
      checkText(fate.message, name);
    }
    api.close();
    // What it does not take are names and paths that cannot be, and types that do not fit.
    expect(judged.length).toBeGreaterThan(sent.length / 3);
    expect(judged).toEqual(expect.arrayContaining(['a token between 20,000 texts that look like one']));
  });
});

describe('Updates of one object that race', () => {
  it('store nothing that is refused, and all that is not', async () => {
    const namespace = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'restricted' });
    const api = await openApi(suite.cluster);
    const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles`;
    const rule = (resource: string) => ({ apiGroups: [''], resources: [resource], verbs: ['get'] });
    const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'web' } };
    await api.create(path, { ...role, rules: [rule('pods')] });
    const add = (resource: string) =>
      api.send(`${path}/web`, {
        method: 'PATCH',
        contentType: 'application/json-patch+json',
        object: [{ op: 'add', path: '/rules/-', value: rule(resource) }],
      });
    const asked = Array.from({ length: 24 }, (_, index) => (index % 3 === 0 ? '*' : `harmless-${index}`));
    const answers = await Promise.all(asked.map(add));
    const stored: unknown = JSON.parse((await api.get(`${path}/web`)).body);
    api.close();
    const resources = asArray(valueAt(stored, ['rules'])).map((one) => asString(valueAt(one, ['resources', 0])) ?? '');
    // The API server gives up where others are always faster; it never stores what was not judged.
    const taken = asked.filter((_, index) => answers[index]?.status === 200);
    expect(taken).not.toContain('*');
    expect(new Set(resources)).toEqual(new Set(['pods', ...taken]));
    expect(resources).toHaveLength(taken.length + 1);
    expect(taken.length).toBeGreaterThan(0);
    const refused = answers.filter((_, index) => asked[index] === '*' && answers[index]?.status !== 409);
    for (const { body } of refused) expect(body).toContain('rbac-wildcard');
  });
});
