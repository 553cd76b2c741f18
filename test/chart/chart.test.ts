import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { runProgram } from '../../scripts/run-program.ts';
import { findTools } from '../../scripts/tools.ts';
import { asArray, asString, isObject, type JsonObject, member, valueAt } from '../../src/objects/json.ts';
import { readConfiguration } from '../../src/policy/configuration.ts';
import { ENTRIES } from '../../src/review/entries.ts';

const CHART = join(import.meta.dirname, '..', '..', 'charts', 'curfew');
const CASES = [undefined, ...readdirSync(join(CHART, 'ci'))];
const HELMS = ['helm', 'helm3'] as const;
/** Offline, Helm renders for the version it was built with; the chart has a floor. */
const KUBERNETES = ['--kube-version', '1.36.0'];

let helms: Readonly<Record<(typeof HELMS)[number], string>>;
beforeAll(async () => {
  helms = await findTools(HELMS);
});

describe.each(CASES.map((file) => ({ name: file ?? 'default values', file })))('With $name', ({ file }) => {
  it.each(HELMS)('%s lints it strictly', async (helm) => {
    const { code, stdout, stderr } = await runProgram(helms[helm], ['lint', '--strict', CHART, ...values(file)]);
    expect({ code, text: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, text: '' });
  });

  it('Helm 3 and Helm 4 render the same objects, and twice the same bytes', async () => {
    const [three, four, again] = [await render('helm3', file), await render('helm', file), await render('helm', file)];
    expect(again).toBe(four);
    expect(byName(parse(three))).toEqual(byName(parse(four)));
  });

  it('has the entries of the table, without rules and without a CA bundle', async () => {
    const objects = parse(await render('helm', file));
    const rendered = objects.flatMap((object) =>
      asArray(member(object, 'webhooks')).map((webhook) => ({
        type: member(object, 'kind') === 'MutatingWebhookConfiguration' ? 'mutating' : 'validating',
        name: member(webhook, 'name'),
        path: valueAt(webhook, ['clientConfig', 'service', 'path']),
        failurePolicy: member(webhook, 'failurePolicy'),
        rules: member(webhook, 'rules'),
        caBundle: valueAt(webhook, ['clientConfig', 'caBundle']),
        sideEffects: member(webhook, 'sideEffects'),
      })),
    );
    const isDryRun = configurationOf(objects)['dryRun'] === true;
    const wanted = ENTRIES.map(({ type, name, path, failurePolicy }) => ({
      type,
      name,
      path,
      failurePolicy: isDryRun ? 'Ignore' : failurePolicy,
      rules: undefined,
      caBundle: undefined,
      sideEffects: 'None',
    }));
    expect(rendered).toHaveLength(wanted.length);
    expect(rendered).toEqual(expect.arrayContaining(wanted));
  });

  it('has a configuration that the server accepts', async () => {
    expect(readConfiguration(configurationOf(parse(await render('helm', file))))).toMatchObject({ ok: true });
  });

  it('has pods of the restricted Pod Security level, with a token of one hour', async () => {
    const spec = valueAt(find(parse(await render('helm', file)), 'Deployment'), ['spec', 'template', 'spec']);
    expect(member(spec, 'automountServiceAccountToken')).toBe(false);
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
    expect(
      objects.filter((object) => ['Role', 'ClusterRole'].includes(asString(member(object, 'kind')) ?? '')),
    ).toHaveLength(2);
  });

  it('on the Secret go with the feature', async () => {
    const kinds = parse(await render('helm', 'existing-secret-values.yaml')).map((object) => member(object, 'kind'));
    expect(kinds).not.toContain('Role');
    expect(kinds).not.toContain('RoleBinding');
  });
});

describe('Values that cannot be right', () => {
  it.each([
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

async function render(helm: (typeof HELMS)[number], file: string | undefined): Promise<string> {
  const args = ['template', 'curfew', CHART, '--namespace', 'curfew-system', ...KUBERNETES, ...values(file)];
  const { code, stdout, stderr } = await runProgram(helms[helm], args);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

function parse(text: string): readonly JsonObject[] {
  return parseAllDocuments(text)
    .map((document): unknown => document.toJS())
    .filter(isObject);
}

function find(objects: readonly JsonObject[], kind: string): JsonObject | undefined {
  return objects.find((object) => member(object, 'kind') === kind);
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
