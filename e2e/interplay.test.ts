import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { LEVELS } from '../src/objects/level.ts';
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
