import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { runProgram } from '../../scripts/run-program.ts';
import { findTools } from '../../scripts/tools.ts';
import { asArray, asString, isObject, type JsonObject, member, valueAt } from '../../src/objects/json.ts';
import { readConfiguration } from '../../src/policy/configuration.ts';
import { NAMESPACE_SETS, PLATFORM_NAMESPACES } from '../../src/policy/platform-namespaces.ts';
import { SYSTEM_NAMESPACE, UNWATCHED_NAMESPACES } from '../../src/policy/scope.ts';
import { ENTRIES, type Entry } from '../../src/review/entries.ts';

const CHART = join(import.meta.dirname, '..', '..', 'charts', 'curfew');
const CASES = [undefined, ...readdirSync(join(CHART, 'ci'))];
const HELMS = ['helm', 'helm3'] as const;
/** Offline, Helm assumes the version it was linked with: 1.20 if none was, which is below the chart's floor. */
const KUBERNETES = ['--kube-version', '1.36.0'];

let helms: Readonly<Record<(typeof HELMS)[number], string>>;
beforeAll(async () => {
  helms = await findTools(HELMS);
});

describe.each(CASES.map((file) => ({ name: file ?? 'default values', file })))('With $name', ({ file }) => {
  it.each(HELMS)('%s lints it strictly', async (helm) => {
    const { code, stdout, stderr } = await runProgram(helms[helm], [
      'lint',
      '--strict',
      CHART,
      ...KUBERNETES,
      ...values(file),
    ]);
    expect({ code, text: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, text: '' });
  });

  it('Helm 3 and Helm 4 render the same objects, and twice the same bytes', async () => {
    const [three, four, again] = [await render('helm3', file), await render('helm', file), await render('helm', file)];
    expect(again).toBe(four);
    expect(byName(parse(three))).toEqual(byName(parse(four)));
  });

  it('has exactly the entries of the table, without rules and without a CA bundle', async () => {
    const objects = parse(await render('helm', file));
    const { dryRun, excludedNamespaces, excludedNamespaceSets } = configurationOf(objects);
    const approval = valueAt(configurationOf(objects), ['apiAccess', 'approval']) === true;
    const isOn = ({ onlyIf }: Entry) => onlyIf === undefined || approval;
    const sets = NAMESPACE_SETS.filter((set) => asArray(excludedNamespaceSets).includes(set));
    const platform = [
      ...new Set(['curfew-system', ...UNWATCHED_NAMESPACES, ...asArray(excludedNamespaces)]),
      ...sets.flatMap((set) => PLATFORM_NAMESPACES[set]),
    ];
    const selectors: Readonly<Record<Entry['namespaces'], JsonObject>> = {
      'all but platform and system': { operator: 'NotIn', values: [...platform, SYSTEM_NAMESPACE] },
      'all but platform': { operator: 'NotIn', values: platform },
      system: { operator: 'In', values: [SYSTEM_NAMESPACE] },
    };
    // Whole entries are compared, so that no field, `rules` and `caBundle` least of all, comes in unseen.
    const wanted = (type: Entry['type']) =>
      ENTRIES.filter((entry) => entry.type === type && isOn(entry)).map((entry) => ({
        name: entry.name,
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        matchPolicy: 'Equivalent',
        timeoutSeconds: entry.timeoutSeconds,
        failurePolicy: dryRun === true ? 'Ignore' : entry.failurePolicy,
        ...(entry.reinvocationPolicy === undefined ? {} : { reinvocationPolicy: entry.reinvocationPolicy }),
        ...(entry.matchConditions.length === 0 ? {} : { matchConditions: entry.matchConditions }),
        namespaceSelector: {
          matchExpressions: [{ key: 'kubernetes.io/metadata.name', ...selectors[entry.namespaces] }],
        },
        clientConfig: { service: { name: 'curfew', namespace: 'curfew-system', path: entry.path, port: 443 } },
      }));
    expect(member(find(objects, 'ValidatingWebhookConfiguration'), 'webhooks')).toEqual(wanted('validating'));
    expect(member(find(objects, 'MutatingWebhookConfiguration'), 'webhooks')).toEqual(wanted('mutating'));
  });

  it('has a configuration that the server accepts', async () => {
    expect(readConfiguration(configurationOf(parse(await render('helm', file))))).toMatchObject({ ok: true });
  });

  it('has pods of the restricted Pod Security level, with a token of one hour', async () => {
    const objects = parse(await render('helm', file));
    const spec = valueAt(find(objects, 'Deployment'), ['spec', 'template', 'spec']);
    expect(member(spec, 'automountServiceAccountToken')).toBe(false);
    // Where the account is somebody else's, the pod's own field is what counts.
    const account = find(objects, 'ServiceAccount');
    if (account !== undefined) expect(member(account, 'automountServiceAccountToken')).toBe(false);
    expect(valueAt(spec, ['securityContext'])).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(asArray(member(spec, 'containers')).map((container) => member(container, 'securityContext'))).toEqual([
      { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    ]);
    const token = asArray(member(spec, 'volumes')).find((volume) => member(volume, 'name') === 'api-token');
    expect(valueAt(token, ['projected', 'sources', 0])).toEqual({
      serviceAccountToken: { path: 'token', expirationSeconds: 3600 },
    });
    const kinds = asArray(member(spec, 'volumes')).flatMap((volume) => Object.keys(isObject(volume) ? volume : {}));
    expect(kinds).not.toContain('hostPath');
  });
});

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
    ]);
    expect(member(find(objects, 'Role'), 'rules')).toEqual([
      {
        apiGroups: [''],
        resources: ['secrets'],
        resourceNames: ['curfew-tls'],
        verbs: ['get', 'create', 'patch', 'update'],
      },
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

  it.each(['ClusterRole', 'Role'])('of the %s are given to its own account and to nobody else', async (kind) => {
    const objects = parse(await render('helm', undefined));
    const binding = find(objects, `${kind}Binding`);
    const account = { kind: 'ServiceAccount', name: 'curfew', namespace: 'curfew-system' };
    expect(member(binding, 'subjects')).toEqual([account]);
    expect(member(binding, 'roleRef')).toEqual({ apiGroup: 'rbac.authorization.k8s.io', kind, name: 'curfew' });
    expect(valueAt(find(objects, kind), ['metadata', 'name'])).toBe('curfew');
  });

  it.each([
    ['an existing Secret', ['tls.existingSecret=serving']],
    ['files of a volume', ['config.tls.certFile=/tls/tls.crt', 'config.tls.keyFile=/tls/tls.key']],
  ])('on the Secret go when %s has the certificate', async (_what, settings) => {
    const objects = parse(await render('helm', undefined, settings));
    const kinds = objects.map((object) => member(object, 'kind'));
    expect(kinds).not.toContain('Role');
    expect(kinds).not.toContain('RoleBinding');
    expect(argumentsOf(objects)).not.toContain('--certificate-secret');
  });
});

describe('Labels', () => {
  it('are written once each, and those of the pod win over the common ones', async () => {
    const settings = ['commonLabels.team=platform', 'commonLabels.tier=one', 'podLabels.tier=two'];
    const objects = parse(await render('helm', undefined, settings));
    for (const object of objects) {
      expect(valueAt(object, ['metadata', 'labels'])).toMatchObject({ team: 'platform', tier: 'one' });
    }
    const deployment = find(objects, 'Deployment');
    const labels = valueAt(deployment, ['spec', 'template', 'metadata', 'labels']);
    expect(labels).toMatchObject({ team: 'platform', tier: 'two' });
    expect(labels).toMatchObject(valueAt(deployment, ['spec', 'selector', 'matchLabels']) as JsonObject);
  });
});

describe('Values that cannot be right', () => {
  it.each([
    ['no configuration at all', 'config=null', /missing property 'config'|config is required/],
    ['no port', 'service=null', /missing property 'service'|service is required/],
    ['the kubelet’s port on the node', 'hostNetwork=true', /the kubelet's own port/],
    ['a label that selectors need', 'commonLabels.app\\.kubernetes\\.io/name=x', /commonLabels must not set app.kuber/],
    [
      'a pod label that selectors need',
      'podLabels.app\\.kubernetes\\.io/instance=x',
      /podLabels must not set app.kuber/,
    ],
    ['a name that no Service may have', 'fullnameOverride=A_B', /fullnameOverride/],
    ['two certificates', 'tls.existingSecret=a,config.tls.certFile=/c,config.tls.keyFile=/k', /set one of the two/],
    ['an unknown key', 'replicaz=2', /replicaz/],
    ['an unknown key of the configuration', 'config.dryrun=true', /dryrun/],
    ['an unknown check', 'config.checks.no-such-check.mode=off', /no-such-check/],
    ['a level that does not exist', 'config.levels.enforce=strict', /enforce/],
    [
      'a lifetime that means a year',
      'config.mutations.short-lived-api-token.expirationSeconds=3607',
      /expirationSeconds/,
    ],
    ['a grace period shorter than the drain', 'terminationGracePeriodSeconds=4', /or pods are killed while they drain/],
    [
      'an approval that no controller could ask for',
      'config.apiAccess.approval=true,config.apiAccess.acceptFrom={ServiceAccount,Pod}',
      /approval cannot go with Pod/,
    ],
    ['two equal ports', 'operations.containerPort=10250', /must differ/],
    ['no service account at all', 'serviceAccount.create=false', /serviceAccount\.name must name the account/],
    [
      'a disruption budget that allows an outage',
      'podDisruptionBudget.maxUnavailable=2',
      /a drain may take every replica/,
    ],
  ])('%s is refused by both Helms', async (_what, setting, words) => {
    for (const helm of HELMS) {
      const { code, stderr } = await runProgram(helms[helm], [
        'template',
        'curfew',
        CHART,
        ...KUBERNETES,
        '--set',
        setting,
      ]);
      expect(code).not.toBe(0);
      expect(stderr).toMatch(words);
    }
  });
});

function values(file: string | undefined): readonly string[] {
  return file === undefined ? [] : ['--values', join(CHART, 'ci', file)];
}

async function render(
  helm: (typeof HELMS)[number],
  file: string | undefined,
  settings: readonly string[] = [],
): Promise<string> {
  const args = ['template', 'curfew', CHART, '--namespace', 'curfew-system', ...KUBERNETES, ...values(file)];
  args.push(...settings.flatMap((setting) => ['--set', setting]));
  const { code, stdout, stderr } = await runProgram(helms[helm], args);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

function parse(text: string): readonly JsonObject[] {
  return parseAllDocuments(text)
    .map((document): unknown => {
      // A key that stands twice is an error here; Helm would take one of the two.
      if (document.errors.length > 0) throw new Error(document.errors.join('\n'));
      return document.toJS();
    })
    .filter(isObject);
}

function find(objects: readonly JsonObject[], kind: string): JsonObject | undefined {
  return objects.find((object) => member(object, 'kind') === kind);
}

function argumentsOf(objects: readonly JsonObject[]): readonly unknown[] {
  return asArray(valueAt(find(objects, 'Deployment'), ['spec', 'template', 'spec', 'containers', 0, 'args']));
}

function configurationOf(objects: readonly JsonObject[]): JsonObject {
  const [text] = Object.values(member(find(objects, 'ConfigMap'), 'data') ?? {});
  return parse(String(text))[0] ?? {};
}

function byName(objects: readonly JsonObject[]): ReadonlyMap<string, JsonObject> {
  const nameOf = (object: JsonObject) =>
    JSON.stringify([member(object, 'kind'), valueAt(object, ['metadata', 'name'])]);
  return new Map(objects.map((object) => [nameOf(object), object]));
}
