import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfigurationFile } from '../../../src/cli/configuration-file.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import type { Caller } from '../../../src/objects/subject.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../../../src/policy/configuration.ts';
import { effectiveLevels } from '../../../src/policy/level.ts';
import { NAMESPACE_SETS, PLATFORM_NAMESPACES } from '../../../src/policy/platform-namespaces.ts';
import { scopeOf } from '../../../src/policy/scope.ts';
import { fc } from '../../properties.ts';
import { hostileValue, mutated, numRuns } from '../arbitraries.ts';
import { configure, found } from '../judging.ts';
import { admittedPod, deployment, JANE, subjectOf } from '../subjects.ts';

describe('A configuration', () => {
  it('that says nothing has the documented defaults', () => {
    expect(configure()).toMatchObject({
      catalogue: undefined,
      dryRun: false,
      levels: { enforce: 'baseline', warn: 'restricted', audit: 'restricted', mutate: 'baseline' },
      mutateMode: 'report',
      enforceTemplates: false,
      server: { bodyLimitBytes: 8_388_608, deadlineMs: 2_500, maxInFlight: 1_000, drainSeconds: 5 },
      tls: undefined,
    });
    expect(configure().mutations.get('short-lived-api-token')).toEqual({
      mode: 'apply',
      options: { expirationSeconds: 3600, maxExpirationSeconds: 86_400 },
    });
  });

  it.each<[unknown, string]>([
    [{ dryrun: true }, '/ has the unknown key "dryrun"; did you mean "dryRun"?'],
    [{ checks: { 'pod-automout': {} } }, '/checks has the unknown key "pod-automout"; did you mean "pod-automount"?'],
    [{ nothingLikeIt: 1 }, '/ has the unknown key "nothingLikeIt"; known: apiVersion, kind, catalogue'],
    [{ excludedNamespaceSets: ['gcp'] }, '/excludedNamespaceSets/0 "gcp" is not allowed; allowed: gke, aks, eks,'],
    [{ levels: { enforce: 'high' } }, '/levels/enforce "high" is not allowed; allowed: off, baseline, restricted'],
    [
      { checks: { 'pod-automount': { mode: 'deny' } } },
      '/checks/pod-automount/mode "deny" is not allowed; allowed: off, audit, warn, enforce',
    ],
    [
      { mutations: { 'short-lived-api-token': { expirationSeconds: 3607 } } },
      '/mutations/short-lived-api-token/expirationSeconds 3607 is not allowed: the API server makes it a token of a year',
    ],
    [
      { mutations: { 'short-lived-api-token': { expirationSeconds: 599 } } },
      '/mutations/short-lived-api-token/expirationSeconds 599 must be >= 600',
    ],
    [{ apiVersion: 'curfew.dev/v1' }, '/apiVersion "curfew.dev/v1" is not allowed; allowed: curfew.dev/v1alpha1'],
    [{ tls: { certFile: '/a' } }, '/tls lacks the key "keyFile"'],
    [{ dryRun: 'yes' }, '/dryRun "yes" must be boolean'],
    [{ kind: 'Configuration' }, '/kind "Configuration" is not allowed; allowed: CurfewConfiguration'],
    [{ catalogue: 0.1 }, '/catalogue 0.1 must be string'],
    [{ levels: { enforce: ['off'] } }, '/levels/enforce is not allowed; allowed: off, baseline, restricted'],
    [{ levels: null }, '/levels null must be object'],
    [{ excludedNamespaces: ['a', 'a'] }, '/excludedNamespaces must NOT have duplicate items'],
    [{ server: { deadlineMs: 99 } }, '/server/deadlineMs 99 must be >= 100'],
    [{ server: { deadlineMs: 30_001 } }, '/server/deadlineMs 30001 must be <= 30000'],
    [{ server: { maxInFlight: 0 } }, '/server/maxInFlight 0 must be >= 1'],
    [
      { apiAccess: { approval: true, acceptFrom: ['ServiceAccount', 'Pod'] } },
      '/apiAccess/approval true cannot go with Pod in acceptFrom',
    ],
    [{ server: { drainSeconds: 301 } }, '/server/drainSeconds 301 must be <= 300'],
    [{ server: { bodyLimitBytes: 1e6 + 0.5 } }, '/server/bodyLimitBytes 1000000.5 must be integer'],
    [JSON.parse('{"__proto__": {"dryRun": true}}'), '/ has the unknown key "__proto__"'],
    [
      JSON.parse('{"namespaces": {"__proto__": {"enforce": "off"}}}'),
      '/namespaces has the key "__proto__", which is no name',
    ],
  ])('%j is refused: %s', (keys, sentence) => {
    const result = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, ...(keys as JsonObject) });
    expect(result.ok).toBe(false);
    const lines = result.ok ? [] : result.problems.map(({ path, problem }) => `${path} ${problem}`);
    expect(lines.join('\n')).toContain(sentence);
  });

  it('has every mistake told, not only the first', () => {
    const result = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, dryrun: true, levels: { warn: 1, audit: 2 } });
    expect(result.ok ? 0 : result.problems.length).toBe(3);
  });

  it('with a false for "off" says how to write it', () => {
    const result = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, levels: { enforce: false } });
    expect(result.ok ? '' : result.problems[0]?.problem).toContain('"off" in quotes');
  });

  it('with a namespace that cannot exist says what a name is', () => {
    const result = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, namespaces: { Shop: { enforce: 'off' } } });
    expect(result.ok ? '' : result.problems[0]?.problem).toBe(
      'has the key "Shop", which is no name of a namespace: 1 to 63 of a-z, 0-9 and -, with - inside alone',
    );
  });

  it('is read or refused, whatever it is, and never breaks', () => {
    fc.assert(
      fc.property(
        fc.oneof(hostileValue, mutated([{ ...EMPTY_CONFIGURATION_FILE, levels: { enforce: 'off' } }])),
        (file) => {
          const result = readConfiguration(file);
          expect(result.ok || result.problems.length > 0).toBe(true);
        },
      ),
      { numRuns: numRuns(50) },
    );
  });
});

describe('A configuration file', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'curfew-configuration-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['that is not YAML', 'a: [', /is not valid YAML/],
    ['with a key given twice', 'kind: A\nkind: B\n', /is not valid YAML: Map keys must be unique/],
    ['that is empty', '', /must be an object/],
    ['with aliases that unfold without end', bomb(), /cannot be read: Excessive alias count/],
    ['nested too deeply', `a: ${'['.repeat(100_000)}`, /is not valid YAML/],
    ['of two documents', 'kind: A\n---\nkind: B\n', /is not valid YAML: Source contains multiple documents/],
    ['that is a list', '- kind: A\n', /must be an object/],
    ['with a tag of another language', 'kind: !!js/function x\n', /is not a valid configuration/],
    ['of more than a mebibyte', `# ${'x'.repeat(1024 * 1024)}`, /is larger than 1048576 bytes/],
  ])('%s is refused with a sentence', async (_what, text, sentence) => {
    const file = join(folder, 'configuration.yaml');
    writeFileSync(file, text);
    await expect(loadConfigurationFile(file)).rejects.toThrow(sentence);
  });

  it.each([
    ['is not there', () => join(folder, 'none.yaml'), 'ENOENT'],
    ['is a folder', () => folder, 'EISDIR'],
  ])('that %s is refused with its path', async (_what, file, code) => {
    await expect(loadConfigurationFile(file())).rejects.toThrow(`${file()} cannot be read (${code})`);
  });

  it('has each mistake told with its line and column', async () => {
    const file = join(folder, 'configuration.yaml');
    const lines = [
      'apiVersion: curfew.dev/v1alpha1',
      'kind: CurfewConfiguration',
      'levels:',
      '  enforce: high',
      'namespaces:',
      '  Shop: {}',
      'excludedNamespaces: [a, "-"]',
      'exemptions:',
      '  rules:',
      '    - name: a',
      '      match: { names: [a] }',
      '      reason: r',
      '      owner: o',
    ];
    writeFileSync(file, lines.join('\n'));
    const refused = await loadConfigurationFile(file).catch(String);
    for (const place of [
      `${file}:4:12: /levels/enforce "high"`,
      `${file}:6:3: /namespaces has the key "Shop"`,
      `${file}:7:25: /excludedNamespaces/1 "-"`,
    ])
      expect(refused).toContain(`\n  ${place}`);
    writeFileSync(file, lines.toSpliced(2, 5).join('\n'));
    await expect(loadConfigurationFile(file)).rejects.toThrow(
      `${file}:5:7: /exemptions/rules/0 lacks the key "expires"`,
    );
  });

  it.each([
    ['with a byte order mark', '\ufeff'],
    ['with a comment', '# ours\n'],
  ])('%s is read', async (_what, start) => {
    const file = join(folder, 'configuration.yaml');
    const text = `${start}apiVersion: curfew.dev/v1alpha1\r\nkind: CurfewConfiguration\r\nlevels: { enforce: off }\r\n`;
    writeFileSync(file, text);
    const loaded = await loadConfigurationFile(file);
    expect(loaded.configuration.levels.enforce).toBe('off');
    expect(loaded.text).toBe(text);
  });
});

describe('The levels of a namespace', () => {
  it('say why a label did not count', () => {
    const levels = effectiveLevels(
      configure(),
      'shop',
      found('shop', { 'curfew.dev/enforce': 'high', 'curfew.dev/warn': 'off' }),
    );
    expect(levels).toMatchObject({ enforce: 'baseline', warn: 'off', mutateByLabel: false });
    expect(levels.notes).toEqual([
      'label curfew.dev/enforce="high" of namespace shop is none of off, baseline, restricted; baseline is in force',
    ]);
  });

  it('are the configuration’s when it could not be read, and say so', () => {
    const levels = effectiveLevels(configure(), 'shop', { state: 'unknown', why: 'no answer' });
    expect(levels.notes).toEqual(['labels of namespace shop were not read: no answer']);
  });
});

describe('The scope', () => {
  const POD = subjectOf('pods', admittedPod());
  const owned = { ownerReferences: [{ kind: 'Deployment', controller: true }] };
  const CONTROLLER = { username: 'system:serviceaccount:kube-system:deployment-controller', groups: [] };
  const replicaSet = (caller: Caller) => subjectOf('replicasets.apps', deployment({}, owned), { caller });

  it.each([
    ['an ordinary pod', POD, 'enforce'],
    ['Curfew’s own namespace', { ...POD, namespace: 'curfew-system' }, 'off'],
    ['kube-public', { ...POD, namespace: 'kube-public' }, 'off'],
    ['kube-node-lease', { ...POD, namespace: 'kube-node-lease' }, 'off'],
    ['an excluded namespace', { ...POD, namespace: 'platform' }, 'off'],
    ['kube-system', { ...POD, namespace: 'kube-system' }, 'warn'],
    ['a kubelet', { ...POD, caller: { username: 'system:node:a', groups: ['system:nodes'] } }, 'off'],
    [
      'a mirror pod',
      subjectOf('pods', admittedPod(['a'], { annotations: { 'kubernetes.io/config.mirror': 'x' } })),
      'off',
    ],
    [
      'a template with that annotation',
      subjectOf('deployments.apps', deployment({}, { annotations: { 'kubernetes.io/config.mirror': 'x' } })),
      'warn',
    ],
    ['a template', subjectOf('deployments.apps', deployment()), 'warn'],
    ['a ReplicaSet of the Deployment controller', replicaSet(CONTROLLER), 'audit'],
    ['a ReplicaSet with an owner that somebody claims', replicaSet(JANE), 'warn'],
  ])('of %s', (_what, subject, ceiling) => {
    const configuration = configure({ excludedNamespaces: ['platform'] });
    expect(scopeOf(configuration, subject, 'curfew-system').ceiling).toBe(ceiling);
  });

  it.each(NAMESPACE_SETS)('of the namespaces of %s is nothing where their set is excluded', (set) => {
    const configuration = configure({ excludedNamespaceSets: [set], excludedNamespaces: ['platform'] });
    for (const namespace of [...PLATFORM_NAMESPACES[set], 'platform']) {
      expect(namespace).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
      expect(scopeOf(configuration, { ...POD, namespace }, '').ceiling).toBe('off');
      expect(scopeOf(configure(), { ...POD, namespace }, '').ceiling).toBe('enforce');
    }
    expect(scopeOf(configuration, { ...POD, namespace: `${set}-apps` }, '').ceiling).toBe('enforce');
    expect(scopeOf(configuration, { ...POD, namespace: 'kube-system' }, '').ceiling).toBe('warn');
  });

  it.each([false, true])(
    'of dryRun allows no patch but a token asked for; with dryRunInjection %s',
    (dryRunInjection) => {
      expect(scopeOf(configure({ dryRun: true, dryRunInjection }), POD, '')).toEqual({
        ceiling: 'enforce',
        mayMutate: false,
        mayInject: !dryRunInjection,
        isDryRun: true,
      });
    },
  );
});

function bomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 9; level += 1) {
    lines.push(`a${level}: &a${level} [${Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ')}]`);
  }
  return lines.join('\n');
}
