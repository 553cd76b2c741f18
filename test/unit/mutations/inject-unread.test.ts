import { describe, expect, it } from 'vitest';
import type { Lookup, ServiceAccountView } from '../../../src/objects/views.ts';
import { account } from '../judging.ts';
import { asking, inject, type World } from './injecting.ts';

const UNKNOWN: Lookup<ServiceAccountView> = { state: 'unknown', why: 'no answer' };
const ROLE = { 'pod-identity.alibabacloud.com/role-name': 'web' };
const ALIBABA = { 'alibaba-rrsa': { accountId: '1', oidcProvider: 'ack' } };
const LABEL = 'pod-identity.alibabacloud.com/injection';

function stale(annotations = {}): Lookup<ServiceAccountView> {
  const known = account({}, annotations);
  if (known.state !== 'found') throw new Error('the account is known');
  return { ...known, stale: 'timed out' };
}

function world(triggers: readonly string[], serviceAccount: Lookup<ServiceAccountView>): World {
  return {
    configuration: { mutations: { 'inject-token': { triggers, presetParameters: ALIBABA } } },
    serviceAccount,
  };
}

const labelled = (value: string) => asking({}, {}, { labels: { [LABEL]: value } });

describe('A pod that asks by the scheme’s own label, where its account must complete the trigger', () => {
  it('is refused while the account is known as of a moment ago, without the annotation', () => {
    const { denial, patch } = inject(labelled('on'), world(['alibaba-rrsa'], stale()));
    expect(denial).toContain(`inject-token at /metadata/labels/${LABEL.replace('/', '~1')}`);
    expect(denial).toContain(
      `label ${LABEL} of the pod: it counts together with annotation pod-identity.alibabacloud.com/role-name of service account shop/web, which could not be read`,
    );
    expect(denial).toContain('Fix: try again');
    expect(patch).toEqual([]);
  });

  it('is admitted without the token where the account is known not to ask', () => {
    expect(inject(labelled('on'), world(['alibaba-rrsa'], account({})))).toMatchObject({ denial: '', patch: [] });
  });

  it('is denied for its account alone where that does not exist any more', () => {
    const { denial } = inject(labelled('on'), world(['alibaba-rrsa'], { state: 'absent' }));
    expect(denial).toContain('Pod shop/web: 1 problem\n\n  inject-token at /spec/serviceAccountName\n');
    expect(denial).not.toContain('counts together');
  });

  it('is not said to be asked for twice while nobody knows whether the scheme asks', () => {
    const asked = '{preset: alibaba-rrsa, roleArn: "acs:ram::1:role/web"}';
    const pod = asking({ a: asked }, {}, { labels: { [LABEL]: 'on' } });
    const mutatingWebhooks = { state: 'found', value: ['ack-pod-identity-webhook'] } as const;
    const warningsOf = (serviceAccount: Lookup<ServiceAccountView>) => {
      const { denial, warnings } = inject(pod, { ...world([], serviceAccount), context: { mutatingWebhooks } });
      expect(denial).toBe('');
      return warnings;
    };
    expect(warningsOf(account({}, ROLE))).toEqual([expect.stringContaining('ask for the same token')]);
    expect(warningsOf(stale())).toEqual([expect.stringContaining('only what it said a moment ago is known')]);
  });

  it('gets its token where the account was known to ask a moment ago', () => {
    const { at } = inject(labelled('on'), world(['alibaba-rrsa'], stale(ROLE)));
    expect(at('spec', 'volumes', 0, 'name')).toBe('rrsa-oidc-token');
  });

  it.each([
    ['its label says something else', labelled('off'), ['alibaba-rrsa']],
    ['the trigger is not configured', labelled('on'), []],
  ])('is admitted where %s', (_what, pod, triggers) => {
    expect(inject(pod, world(triggers, stale()))).toMatchObject({ denial: '', patch: [] });
  });

  it('is left to the webhook of the scheme', () => {
    const mutatingWebhooks = { state: 'found', value: ['ack-pod-identity-webhook'] } as const;
    const { denial } = inject(labelled('on'), { ...world(['alibaba-rrsa'], stale()), context: { mutatingWebhooks } });
    expect(denial).toBe('');
  });

  it('keeps what an earlier round gave it', () => {
    const first = inject(labelled('on'), world(['alibaba-rrsa'], account({}, ROLE)));
    expect(first.at('spec', 'volumes', 0, 'name')).toBe('rrsa-oidc-token');
    expect(inject(first.object, world(['alibaba-rrsa'], stale()))).toMatchObject({ denial: '', patch: [] });
  });
});

describe('A pod whose account or namespace may ask, and', () => {
  const NAMESPACE = { name: 'shop', labels: new Map(), annotations: new Map() };
  const ASKS = 'it may ask for a token, without which the pod would start';

  it.each<[string, Lookup<ServiceAccountView>, string]>([
    ['did not answer', UNKNOWN, `it could not be read: no answer; ${ASKS}\n    Fix: try again\n`],
    ['is not there', { state: 'absent' }, `it does not exist any more; ${ASKS}\n    Fix: try again when it is there\n`],
  ])('%s is denied, whatever it carries itself', (_what, serviceAccount, sentence) => {
    for (const pod of [asking({}), asking({ vault: '{audience: vault}' }), asking({ aws: '{preset: aws-irsa}' })]) {
      const { denial, patch } = inject(pod, { serviceAccount });
      expect(denial).toContain('Pod shop/web: 1 problem');
      expect(denial).toContain(`inject-token at /spec/serviceAccountName\n    service account shop/web: ${sentence}`);
      expect(patch).toEqual([]);
    }
    const { denial } = inject(asking({}), { context: { namespace: { state: 'unknown', why: 'no answer' } } });
    expect(denial).toContain(
      `inject-token at /metadata/namespace\n    namespace shop: it could not be read: no answer; ${ASKS}\n    Fix: try again\n`,
    );
  });

  it.each([
    ['where injection is off', { mutations: { 'inject-token': { mode: 'off' } } }],
    ['where it is only reported', { mutations: { 'inject-token': { mode: 'report' } } }],
    ['with dryRun', { dryRun: true }],
    ['in an excluded namespace', { excludedNamespaces: ['shop'] }],
  ])('could not be read is admitted %s', (_where, configuration) => {
    expect(inject(asking({}), { configuration, serviceAccount: UNKNOWN }).denial).toBe('');
  });

  it('could not be read is admitted in kube-system', () => {
    expect(inject(asking({}), { in: 'kube-system', serviceAccount: UNKNOWN }).denial).toBe('');
  });

  it('is known as of a moment ago is admitted, and its author is warned', () => {
    const said = (who: string, it: string) =>
      `curfew inject-token: of ${who} a moment ago is known: ${it} could not be read: timed out`;
    const namespace = { state: 'found', value: NAMESPACE, stale: 'timed out' } as const;
    const warningsOf = (setting: World) => {
      const { denial, warnings } = inject(asking({}), setting);
      expect(denial).toBe('');
      return warnings;
    };
    expect(warningsOf({ serviceAccount: stale() })).toEqual([said('service account shop/web only what it said', 'it')]);
    expect(warningsOf({ context: { namespace } })).toEqual([said('namespace shop only what it said', 'it')]);
    expect(warningsOf({ context: { namespace, serviceAccount: stale } })).toEqual([
      said('service account shop/web and namespace shop only what they said', 'they'),
    ]);
  });

  it('can never be read is a namespace that asks for nothing and allows nothing, and the account is heard all the same', () => {
    const env = [{ name: 'ALIBABA_CLOUD_ROLE_ARN', value: 'own' }];
    const pod = asking({}, { containers: [{ name: 'app', image: 'a', env }] }, { labels: { [LABEL]: 'on' } });
    const namespace = { state: 'unknown', why: 'no cluster', isFinal: true } as const;
    const { denial, warnings, at } = inject(pod, {
      ...world(['alibaba-rrsa'], account({}, ROLE)),
      context: { namespace },
    });
    expect(denial).toBe('');
    expect(at('spec', 'volumes', 0, 'name')).toBe('rrsa-oidc-token');
    expect(at('spec', 'containers', 0, 'env', 0)).toEqual(env[0]);
    expect(warnings).toContain(
      'curfew inject-token: no token that namespace shop may ask for was added: it could not be read: no cluster',
    );
  });

  it('can never be read, without a cluster, is admitted, and its author is warned', () => {
    const never = { state: 'unknown', why: 'no cluster', isFinal: true } as const;
    const { denial, warnings } = inject(asking({}), { context: { serviceAccount: () => never, namespace: never } });
    expect(denial).toBe('');
    expect(warnings).toEqual(
      ['service account shop/web', 'namespace shop'].map(
        (who) => `curfew inject-token: no token that ${who} may ask for was added: it could not be read: no cluster`,
      ),
    );
  });
});
