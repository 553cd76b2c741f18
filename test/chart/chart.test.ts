import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../scripts/run-program.ts';
import { asArray, isObject, type JsonObject, member, valueAt } from '../../src/objects/json.ts';
import { readConfiguration } from '../../src/policy/configuration.ts';
import { NAMESPACE_SETS, PLATFORM_NAMESPACES } from '../../src/policy/platform-namespaces.ts';
import { SYSTEM_NAMESPACE, UNWATCHED_NAMESPACES } from '../../src/policy/scope.ts';
import { ENTRIES, type Entry } from '../../src/review/entries.ts';
import {
  argumentsOf,
  CHART,
  configurationOf,
  find,
  findHelms,
  HELMS,
  KUBERNETES,
  parse,
  render,
  values,
} from './rendering.ts';

const CASES = [undefined, ...readdirSync(join(CHART, 'ci'))];

let helms: Readonly<Record<(typeof HELMS)[number], string>>;
beforeAll(async () => {
  helms = await findHelms();
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
    const [three, four] = [await render('helm3', file), await render('helm', file)];
    expect(await render('helm3', file)).toBe(three);
    expect(await render('helm', file)).toBe(four);
    expect(byName(parse(three))).toEqual(byName(parse(four)));
  });

  // With policies alone there is no server; engines.test.ts is about those.
  const isNative = file === 'native-values.yaml';

  it.skipIf(isNative)(
    'has exactly the entries of the table, without a CA bundle, and without rules unless the chart is to have them',
    async () => {
      const objects = parse(await render('helm', file));
      const hasRules = argumentsOf(objects).includes('--compare-webhooks');
      const { dryRun, excludedNamespaces, excludedNamespaceSets } = configurationOf(objects);
      const approval = valueAt(configurationOf(objects), ['apiAccess', 'approval']) === true;
      const hasEvents = valueAt(configurationOf(objects), ['events', 'enabled']) === true;
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
      const name = valueAt(find(objects, 'Deployment'), ['metadata', 'name']);
      const services = objects.filter((object) => member(object, 'kind') === 'Service');
      const service = services.find((object) => valueAt(object, ['metadata', 'name']) === name);
      const port = valueAt(service, ['spec', 'ports', 0, 'port']);
      const wanted = (type: Entry['type']) =>
        ENTRIES.filter((entry) => entry.type === type && isOn(entry)).map((entry) => ({
          name: entry.name,
          admissionReviewVersions: ['v1'],
          sideEffects: entry.mayWriteEvents === true && hasEvents ? 'NoneOnDryRun' : 'None',
          matchPolicy: 'Equivalent',
          timeoutSeconds: entry.timeoutSeconds,
          failurePolicy: dryRun === true || file === 'emergency-values.yaml' ? 'Ignore' : entry.failurePolicy,
          ...(entry.reinvocationPolicy === undefined ? {} : { reinvocationPolicy: entry.reinvocationPolicy }),
          ...(entry.matchConditions.length === 0 ? {} : { matchConditions: entry.matchConditions }),
          namespaceSelector: {
            matchExpressions: [{ key: 'kubernetes.io/metadata.name', ...selectors[entry.namespaces] }],
          },
          ...(hasRules ? { rules: entry.rules } : {}),
          clientConfig: { service: { name, namespace: 'curfew-system', path: entry.path, port } },
        }));
      expect(member(find(objects, 'ValidatingWebhookConfiguration'), 'webhooks')).toEqual(wanted('validating'));
      expect(member(find(objects, 'MutatingWebhookConfiguration'), 'webhooks')).toEqual(wanted('mutating'));
    },
  );

  it('has a configuration that the server accepts', async () => {
    expect(readConfiguration(configurationOf(parse(await render('helm', file))))).toMatchObject({ ok: true });
  });

  it.skipIf(isNative)('has pods of the restricted Pod Security level, with a token of one hour', async () => {
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
    expect(asArray(member(spec, 'containers')).map((container) => member(container, 'securityContext'))).toMatchObject([
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

describe('Annotations', () => {
  it('of the pods are the chart’s own where both set one, or a changed switch would replace no pod', async () => {
    const objects = parse(await render('helm', 'names-values.yaml'));
    expect(valueAt(find(objects, 'Deployment'), ['spec', 'template', 'metadata', 'annotations'])).toEqual({
      'curfew.dev/foreign-webhooks': 'false',
      team: 'platform',
    });
  });

  it('of the service account may say another reason, and say one in any case', async () => {
    const own = { 'curfew.dev/api-access': expect.stringContaining('watches namespaces') };
    const annotationsOf = async (settings: readonly string[]) =>
      valueAt(find(parse(await render('helm', undefined, settings)), 'ServiceAccount'), ['metadata', 'annotations']);
    expect(await annotationsOf(['serviceAccount.annotations.team=platform'])).toEqual({ ...own, team: 'platform' });
    expect(await annotationsOf(['serviceAccount.annotations.curfew\\.dev/api-access=ours'])).toEqual({
      'curfew.dev/api-access': 'ours',
    });
  });
});

describe('A ServiceMonitor', () => {
  it('selects its own Service and not the one that the API server calls', async () => {
    const objects = parse(await render('helm', 'monitoring-values.yaml'));
    const wanted = valueAt(find(objects, 'ServiceMonitor'), ['spec', 'selector', 'matchLabels']);
    const services = objects.filter((object) => member(object, 'kind') === 'Service');
    const selected = services.filter((service) =>
      Object.entries(wanted as JsonObject).every(
        ([key, text]) => valueAt(service, ['metadata', 'labels', key]) === text,
      ),
    );
    expect(selected.map((service) => valueAt(service, ['metadata', 'name']))).toEqual(['curfew-metrics']);
  });
});

describe('A PodMonitor', () => {
  it('selects the pods of the Deployment by a port that they have, and brings no Service', async () => {
    const objects = parse(await render('helm', 'pod-monitor-values.yaml'));
    const spec = member(find(objects, 'PodMonitor'), 'spec');
    const template = valueAt(find(objects, 'Deployment'), ['spec', 'template']);
    expect(valueAt(template, ['metadata', 'labels'])).toMatchObject(
      valueAt(spec, ['selector', 'matchLabels']) as JsonObject,
    );
    const ports = asArray(valueAt(template, ['spec', 'containers', 0, 'ports'])).map((port) => member(port, 'name'));
    expect(ports).toContain(valueAt(spec, ['podMetricsEndpoints', 0, 'port']));
    expect(objects.filter((object) => member(object, 'kind') === 'Service')).toHaveLength(1);
  });
});

describe('A PrometheusRule', () => {
  const groupsOf = async (values: string) =>
    asArray(valueAt(find(parse(await render('helm', values)), 'PrometheusRule'), ['spec', 'groups']));
  const ruleOf = (groups: readonly unknown[], alert: string) =>
    groups.flatMap((group) => asArray(member(group, 'rules'))).find((rule) => member(rule, 'alert') === alert);

  it('has both groups, and links that begin where the runbook is read', async () => {
    const groups = await groupsOf('monitoring-values.yaml');
    expect(groups.map((group) => member(group, 'name'))).toEqual(['curfew', 'curfew-token-use']);
    expect(member(ruleOf(groups, 'CurfewReplicaMissing'), 'expr')).toBe('count(curfew_build_info) < 2');
    const links = async (values: string) =>
      valueAt(ruleOf(await groupsOf(values), 'CurfewDown'), ['annotations', 'runbook_url']);
    expect(await links('monitoring-values.yaml')).toBe('docs/runbook.md#curfewdown');
    expect(await links('pod-monitor-values.yaml')).toBe('https://wiki.example.com/curfew/runbook#curfewdown');
  });

  it('counts the replicas that there should be, and leaves the use of tokens out where it is told to', async () => {
    const groups = await groupsOf('pod-monitor-values.yaml');
    expect(groups.map((group) => member(group, 'name'))).toEqual(['curfew']);
    expect(member(ruleOf(groups, 'CurfewReplicaMissing'), 'expr')).toBe('count(curfew_build_info) < 3');
  });
});

function byName(objects: readonly JsonObject[]): ReadonlyMap<string, JsonObject> {
  const nameOf = (object: JsonObject) =>
    JSON.stringify([member(object, 'kind'), valueAt(object, ['metadata', 'name'])]);
  return new Map(objects.map((object) => [nameOf(object), object]));
}
