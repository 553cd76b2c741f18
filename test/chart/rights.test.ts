import { beforeAll, describe, expect, it } from 'vitest';
import { asArray, asString, type JsonObject, member, valueAt } from '../../src/objects/json.ts';
import { argumentsOf, configurationOf, find, findHelms, parse, render } from './rendering.ts';

beforeAll(async () => {
  await findHelms();
});

const WATCHES_REPLICAS = {
  apiGroups: ['discovery.k8s.io'],
  resources: ['endpointslices'],
  verbs: ['list', 'watch'],
};

describe('Rights', () => {
  it('are those that the design lists, and no more', async () => {
    const objects = parse(await render('helm', undefined));
    expect(member(find(objects, 'ClusterRole'), 'rules')).toEqual([
      { apiGroups: [''], resources: ['namespaces', 'serviceaccounts'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
      {
        apiGroups: ['admissionregistration.k8s.io'],
        resources: ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'],
        resourceNames: ['curfew'],
        verbs: ['get', 'patch'],
      },
      {
        apiGroups: ['admissionregistration.k8s.io'],
        resources: ['mutatingwebhookconfigurations'],
        verbs: ['list', 'watch'],
      },
    ]);
    expect(member(find(objects, 'Role'), 'rules')).toEqual([
      WATCHES_REPLICAS,
      {
        apiGroups: [''],
        resources: ['secrets'],
        resourceNames: ['curfew-tls'],
        verbs: ['get', 'create', 'patch', 'update'],
      },
      { apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['curfew'], verbs: ['get'] },
    ]);
    // The other one is for people, and bound to nobody.
    const roles = objects.filter((object) => ['Role', 'ClusterRole'].includes(asString(member(object, 'kind')) ?? ''));
    expect(roles.map((role) => valueAt(role, ['metadata', 'name']))).toEqual(['curfew', 'curfew-relax', 'curfew']);
    const bindings = objects.filter((object) => asString(member(object, 'kind'))?.endsWith('RoleBinding'));
    expect(bindings.map((binding) => valueAt(binding, ['roleRef', 'name']))).toEqual(['curfew', 'curfew']);
  });

  it('to approve documented access come with its guard, bound to nobody', async () => {
    const objects = parse(await render('helm', undefined, ['config.apiAccess.approval=true']));
    const role = objects.find((object) => valueAt(object, ['metadata', 'name']) === 'curfew-approve');
    expect(member(role, 'rules')).toEqual([
      { apiGroups: ['curfew.dev'], resources: ['apiaccess'], verbs: ['approve'] },
    ]);
    const webhooks = asArray(member(find(objects, 'ValidatingWebhookConfiguration'), 'webhooks'));
    expect(webhooks.map((webhook) => member(webhook, 'name'))).toContain('api-access.curfew.dev');
  });

  it('to list pods go with the warnings that they are for', async () => {
    const objects = parse(await render('helm', undefined, ['config.namespaceWarnings.enabled=false']));
    expect(JSON.stringify(member(find(objects, 'ClusterRole'), 'rules'))).not.toContain('"pods"');
    expect(configurationOf(objects)).toMatchObject({ namespaceWarnings: { enabled: false } });
  });

  it('to list and watch Secrets come and go with the index that needs them', async () => {
    const secrets = { apiGroups: [''], resources: ['secrets'], verbs: ['list', 'watch'] };
    const rulesOf = async (settings: readonly string[]) =>
      asArray(member(find(parse(await render('helm', undefined, settings)), 'ClusterRole'), 'rules'));
    expect(await rulesOf(['config.secretIndex=true'])).toContainEqual(secrets);
    expect(await rulesOf(['config.secretIndex=false'])).not.toContainEqual(secrets);
    // The server reads the switch at its start, so the pods must be replaced.
    const template = async (on: boolean) =>
      valueAt(find(parse(await render('helm', undefined, [`config.secretIndex=${on}`])), 'Deployment'), [
        'spec',
        'template',
      ]);
    expect(await template(true)).not.toEqual(await template(false));
  });

  it('to list and watch webhook configurations go with what they are for', async () => {
    const webhooks = {
      apiGroups: ['admissionregistration.k8s.io'],
      resources: ['mutatingwebhookconfigurations'],
      verbs: ['list', 'watch'],
    };
    const rendered = async (on: boolean) =>
      parse(await render('helm', undefined, [`config.foreignWebhooks.watch=${on}`]));
    const rulesOf = (objects: readonly JsonObject[]) => asArray(member(find(objects, 'ClusterRole'), 'rules'));
    expect(rulesOf(parse(await render('helm', undefined)))).toContainEqual(webhooks);
    expect(rulesOf(await rendered(true))).toContainEqual(webhooks);
    const without = await rendered(false);
    expect(rulesOf(without)).not.toContainEqual(webhooks);
    expect(configurationOf(without)).toMatchObject({ foreignWebhooks: { watch: false } });
    // What is left of them is for its own two, by name.
    const left = rulesOf(without).filter((rule) => JSON.stringify(rule).includes('webhookconfigurations'));
    expect(left.map((rule) => member(rule, 'resourceNames'))).toEqual([['curfew']]);
    // The server reads the switch at its start, so the pods must be replaced.
    const template = (objects: readonly JsonObject[]) => valueAt(find(objects, 'Deployment'), ['spec', 'template']);
    expect(template(without)).not.toEqual(template(await rendered(true)));
  });

  it('to write Events, and to read whose a ReplicaSet or a Job is, go with the Events', async () => {
    const rulesOf = async (on: boolean): Promise<readonly string[]> => {
      const objects = parse(await render('helm', undefined, [`config.events.enabled=${on}`]));
      return asArray(member(find(objects, 'ClusterRole'), 'rules')).map((rule) => JSON.stringify(rule));
    };
    const without = await rulesOf(false);
    const more = (await rulesOf(true)).filter((rule) => !without.includes(rule));
    expect(more.map((rule): unknown => JSON.parse(rule))).toEqual([
      { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
      { apiGroups: ['apps'], resources: ['replicasets'], verbs: ['get'] },
      { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get'] },
    ]);
    expect((await rulesOf(true)).length).toBe(without.length + more.length);
  });

  it.each(['ClusterRole', 'Role'])('of the %s are given to its own account and to nobody else', async (kind) => {
    const objects = parse(await render('helm', undefined));
    const binding = find(objects, `${kind}Binding`);
    const account = { kind: 'ServiceAccount', name: 'curfew', namespace: 'curfew-system' };
    expect(member(binding, 'subjects')).toEqual([account]);
    expect(member(binding, 'roleRef')).toEqual({ apiGroup: 'rbac.authorization.k8s.io', kind, name: 'curfew' });
    expect(valueAt(find(objects, kind), ['metadata', 'name'])).toBe('curfew');
  });

  it.each([
    ['an existing Secret', ['certificates.mode=provided', 'certificates.provided.existingSecret=serving']],
    ['cert-manager', ['certificates.mode=certManager']],
    [
      'files of a volume',
      ['certificates.mode=provided', 'config.tls.certFile=/tls/tls.crt', 'config.tls.keyFile=/tls/tls.key'],
    ],
  ])('on the Secret go when %s has the certificate', async (_what, settings) => {
    const objects = parse(await render('helm', undefined, settings));
    expect(member(find(objects, 'Role'), 'rules')).toEqual([WATCHES_REPLICAS]);
    expect(argumentsOf(objects)).not.toContain('--certificate-secret');
  });
});
