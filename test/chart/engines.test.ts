/** The policies of the chart are those that `curfew render policies` writes of the same configuration, by either Helm. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { runProgram } from '../../scripts/run-program.ts';
import { findClusterFacts } from '../../src/cli/cluster-facts.ts';
import { renderPoliciesFile } from '../../src/cli/render-policies.ts';
import { FIRST_MINOR } from '../../src/native/mutating.ts';
import type { NodeTokenMode, PolicyEngine } from '../../src/native/native-options.ts';
import { renderPolicies } from '../../src/native/render-policies.ts';
import { asString, isObject, type JsonObject, member, valueAt } from '../../src/objects/json.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../../src/policy/configuration.ts';
import { CHART, findHelms, HELMS, parse } from './rendering.ts';

const NAMESPACE = 'curfew-system';
const LEVELS = {
  levels: { enforce: 'restricted', warn: 'baseline', audit: 'off', clusterScoped: { enforce: 'baseline' } },
  namespaces: { shop: { enforce: 'baseline', audit: 'restricted' }, build: { enforce: 'off', mutate: 'restricted' } },
  mutateMode: 'apply',
};
const EVERYTHING = {
  ...LEVELS,
  excludedNamespaces: ['zeta', 'platform', 'kube-system'],
  excludedNamespaceSets: ['gke', 'openshift'],
  cluster: { apiAudiences: ['https://issuer.example/a?b=<c>&d', 'api'] },
};
const CASES: Readonly<Record<string, JsonObject>> = {
  'the default configuration': {},
  'all that the chart can write': EVERYTHING,
  'the same in audit mode': { ...EVERYTHING, dryRun: true },
};
/** What the chart cannot write into the policies that it ships. */
const RENDERED = {
  checks: { 'token-lifetime': { audiences: { vault: 7_200 } }, 'rbac-escalate': { mode: 'off' } },
  enforceTemplates: true,
  exemptions: {
    rules: [
      { name: 'ci', match: { namespaces: ['ci-*'] }, reason: 'old <runner>', owner: 'platform', permanent: true },
    ],
  },
};

let helms: Readonly<Record<(typeof HELMS)[number], string>>;
let folder = '';
beforeAll(async () => {
  helms = await findHelms();
  folder = mkdtempSync(join(tmpdir(), 'curfew-engines-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(Object.entries(CASES))('With %s', (_what, config) => {
  it.each(HELMS)('%s writes what is rendered', async (helm) => {
    for (const engine of ['native', 'both'] as const) {
      for (const minor of engine === 'native' ? [FIRST_MINOR - 1, FIRST_MINOR] : [FIRST_MINOR]) {
        const installed = policiesOf(await template(helm, { engine, config }, minor));
        expect(listDifferences(installed, renderFor(config, engine, minor))).toEqual([]);
      }
    }
  });
});

describe('Policies for what kubelets ask for', () => {
  it.each(HELMS)('are written by %s where they are wanted', async (helm) => {
    for (const engine of ['native', 'both'] as const) {
      for (const [nodeTokens, config] of [
        ['audit', {}],
        ['enforce', {}],
        ['enforce', { dryRun: true }],
      ] as const) {
        const installed = policiesOf(await template(helm, { engine, config, native: { nodeTokens } }, FIRST_MINOR));
        expect(installed.some((policy) => keyOf(policy).includes(' node-token-lifetime.audit.'))).toBe(true);
        expect(listDifferences(installed, renderFor(config, engine, FIRST_MINOR, nodeTokens))).toEqual([]);
      }
    }
  });
});

describe('Policies that were rendered', () => {
  it.each(HELMS)('are what %s installs, and are held against the values', async (helm) => {
    for (const engine of ['native', 'both'] as const) {
      const given = { engine, config: RENDERED, native: { policies: await renderText({ engine, config: RENDERED }) } };
      const installed = policiesOf(await template(helm, given, FIRST_MINOR));
      expect(listDifferences(installed, renderFor(RENDERED, engine, FIRST_MINOR))).toEqual([]);
      expect(JSON.stringify(installed)).not.toContain('rbac-escalate');
    }
    // The chart leaves out what is not for both.
    const all = await renderText({ engine: 'native', config: RENDERED });
    const both = await template(helm, { engine: 'both', config: RENDERED, native: { policies: all } }, FIRST_MINOR);
    expect(listDifferences(policiesOf(both), renderFor(RENDERED, 'both', FIRST_MINOR))).toEqual([]);
  });

  it('have the labels of the chart', async () => {
    const text = await template('helm', { engine: 'native', commonLabels: { team: 'platform' } }, FIRST_MINOR);
    for (const policy of policiesOf(text)) {
      expect(valueAt(policy, ['metadata', 'labels'])).toMatchObject({
        'app.kubernetes.io/component': 'native-policies',
        'app.kubernetes.io/managed-by': 'Helm',
        'app.kubernetes.io/name': 'curfew',
        team: 'platform',
      });
    }
  });
});

describe('With engine=native', () => {
  it('there is nothing but policies', async () => {
    const objects = parse(await template('helm', { engine: 'native', certificates: { mode: 'certManager' } }, 36));
    expect(objects.filter((object) => !isPolicy(object)).map(({ kind }) => kind)).toEqual([]);
  });

  it('the CronJobs may be there, with what they need and no more', async () => {
    const values: unknown = parseYaml(readFileSync(join(CHART, 'ci', 'tasks-values.yaml'), 'utf8'));
    const kinds = async (engine: string) => {
      const objects = parse(await template('helm', { ...(values as JsonObject), engine }, 36));
      return objects
        .filter((object) => !isPolicy(object) && isOfTask(object))
        .map(keyOf)
        .toSorted();
    };
    expect(await kinds('native')).toEqual(await kinds('webhook'));
    const objects = parse(await template('helm', { ...(values as JsonObject), engine: 'native' }, 36));
    expect(objects.filter((object) => !isPolicy(object) && !isOfTask(object))).toEqual([]);
  });
});

function isOfTask(object: JsonObject): boolean {
  return ['curfew-audit', 'curfew-cleanup', 'curfew-tasks'].includes(
    asString(valueAt(object, ['metadata', 'name'])) ?? '',
  );
}

function renderFor(
  config: JsonObject,
  engine: PolicyEngine,
  minor: number,
  nodeTokens: NodeTokenMode = 'off',
): readonly JsonObject[] {
  const read = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, ...config });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const { configuration } = read;
  const { facts: cluster } = findClusterFacts(configuration, undefined);
  const now = Date.now();
  return renderPolicies({
    engine,
    nodeTokens,
    configuration,
    cluster,
    ownNamespace: NAMESPACE,
    level: undefined,
    now,
    minor,
  }).objects;
}

async function renderText(values: JsonObject & { readonly engine: PolicyEngine }): Promise<string> {
  const file = join(folder, 'values.json');
  writeFileSync(file, JSON.stringify(values));
  const { engine } = values;
  const options = {
    engine,
    nodeTokens: 'off' as const,
    values: file,
    kubernetes: `1.${FIRST_MINOR}`,
    namespace: NAMESPACE,
  };
  return await renderPoliciesFile(options, Date.now());
}

async function template(helm: (typeof HELMS)[number], values: JsonObject, minor: number): Promise<string> {
  const file = join(folder, `${helm}.json`);
  writeFileSync(file, JSON.stringify(values));
  const args = ['template', 'curfew', CHART, '--namespace', NAMESPACE, '--skip-tests', '--values', file];
  const { code, stdout, stderr } = await runProgram(helms[helm], [...args, '--kube-version', `1.${minor}.0`]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

function policiesOf(text: string): readonly JsonObject[] {
  return parse(text).filter(isPolicy);
}

function isPolicy(object: JsonObject): boolean {
  return /AdmissionPolicy(Binding)?$/.test(asString(object['kind']) ?? '');
}

function keyOf(object: JsonObject): string {
  return `${asString(object['kind'])} ${asString(valueAt(object, ['metadata', 'name']))}`;
}

/** Of which policies the specs differ, and which are there only once. Labels are the chart's. */
function listDifferences(some: readonly JsonObject[], others: readonly JsonObject[]): readonly string[] {
  const [one, other] = [toSpecs(some), toSpecs(others)];
  return [...new Set([...one.keys(), ...other.keys()])].filter((key) => one.get(key) !== other.get(key));
}

function toSpecs(objects: readonly JsonObject[]): ReadonlyMap<string, string> {
  return new Map(objects.map((object) => [keyOf(object), JSON.stringify(member(object, 'spec'), sortKeys)]));
}

/** Helm sorts the keys of objects; the order of excluded namespaces is nobody's matter. */
function sortKeys(key: string, value: unknown): unknown {
  if (Array.isArray(value))
    return key === 'values' ? value.map(String).toSorted((one, other) => one.localeCompare(other)) : value;
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => one.localeCompare(other)));
}
