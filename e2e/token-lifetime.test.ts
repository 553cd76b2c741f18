import { expect, it } from 'vitest';
import { asString, type JsonObject, member, valueAt } from '../src/objects/json.ts';
import { decodeJwtClaims } from '../src/objects/jwt.ts';
import { setUpSuite } from './suite.ts';
import { pod } from './test-cluster.ts';

/** Curfew never sees what nodes ask for; anybody else would be refused a token of a year. */
const AS_KUBELET = ['--as=kubelet', '--as-group=system:nodes', '--as-group=system:masters'];

const YEAR_SECONDS = 31_536_000;

const suite = setUpSuite({ mutateMode: 'apply' });

it('gives a default pod a token that really lives an hour', async () => {
  const namespace = await suite.cluster.createNamespace();
  expect(await lifetimeInNewPod(namespace)).toBe(3600);
});

it('leaves the year where the mutation is only reported, and says what it would do', async () => {
  await suite.curfew.upgrade({ mutateMode: 'report' });
  const namespace = await suite.cluster.createNamespace();
  expect(await lifetimeInNewPod(namespace)).toBe(YEAR_SECONDS);
  expect(
    await suite.curfew.metric('curfew_mutations_total{mutation="short-lived-api-token",decision="would_mutate"'),
  ).toBe(1);
});

it('applies it where the namespace’s own label asks for it', async () => {
  const namespace = await suite.cluster.createNamespace({ 'curfew.dev/mutate': 'baseline' });
  expect(await lifetimeInNewPod(namespace)).toBe(3600);
});

it('leaves the year where the label switches mutation off', async () => {
  await suite.curfew.upgrade({ mutateMode: 'apply' });
  const namespace = await suite.cluster.createNamespace({ 'curfew.dev/mutate': 'off' });
  expect(await lifetimeInNewPod(namespace)).toBe(YEAR_SECONDS);
});

it('gives the lifetime that the administrator chose', async () => {
  await suite.curfew.upgrade({
    mutateMode: 'apply',
    mutations: { 'short-lived-api-token': { expirationSeconds: 86_400 } },
  });
  const namespace = await suite.cluster.createNamespace();
  expect(await lifetimeInNewPod(namespace)).toBe(86_400);
});

/** Makes a pod and asks for its token exactly as the kubelet would: the lifetime that the stored pod's volume names. */
async function lifetimeInNewPod(namespace: string): Promise<number> {
  await suite.cluster.must(['apply', '-n', namespace, '-f', '-'], pod('web'));
  const stored: unknown = JSON.parse(await suite.cluster.must(['get', 'pod', 'web', '-n', namespace, '-o', 'json']));
  const asked = valueAt(stored, [
    'spec',
    'volumes',
    0,
    'projected',
    'sources',
    0,
    'serviceAccountToken',
    'expirationSeconds',
  ]);
  const request: JsonObject = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      expirationSeconds: asked ?? null,
      audiences: null,
      boundObjectRef: {
        apiVersion: 'v1',
        kind: 'Pod',
        name: 'web',
        uid: valueAt(stored, ['metadata', 'uid']) ?? '',
      },
    },
  };
  const answer: unknown = JSON.parse(
    await suite.cluster.must(
      ['create', '--raw', `/api/v1/namespaces/${namespace}/serviceaccounts/web/token`, '-f', '-', ...AS_KUBELET],
      request,
    ),
  );
  const claims = decodeJwtClaims(asString(valueAt(answer, ['status', 'token'])) ?? '');
  return Number(member(claims, 'exp')) - Number(member(claims, 'iat'));
}
