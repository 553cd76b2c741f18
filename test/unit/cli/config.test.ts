import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { migrateConfiguration } from '../../../src/cli/config-migrate.ts';
import { showConfiguration } from '../../../src/cli/config-show.ts';
import { loadConfigurationFile } from '../../../src/cli/configuration-file.ts';
import { renderInitialConfiguration } from '../../../src/cli/init.ts';
import { isObject, member, valueAt } from '../../../src/objects/json.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../../../src/policy/configuration.ts';
import { ConfigurationSchema } from '../../../src/policy/configuration-schema.ts';
import { toEffectiveFile } from '../../../src/policy/effective-file.ts';
import { configure } from '../judging.ts';
import { run } from './run-command.ts';

const HEAD = 'apiVersion: curfew.dev/v1alpha1\nkind: CurfewConfiguration\n';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-config-'));
  file = join(folder, 'curfew.yaml');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('curfew init', () => {
  it('prints a file that editors know the schema of, and that changes nothing', async () => {
    const { code, out, error } = await run('init');
    expect({ code, error }).toEqual({ code: 0, error: '' });
    expect(out).toMatch(
      /^# yaml-language-server: \$schema=https:\/\/curfew\.dev\/schemas\/configuration\.v1alpha1\.json\n/,
    );
    expect(parse(out)).toEqual(EMPTY_CONFIGURATION_FILE);
    for (const line of out.split('\n')) expect(line.length).toBeLessThan(130);
  });

  it('is valid with everything in it, and its defaults are the defaults', () => {
    const text = renderInitialConfiguration().replaceAll(/^# (?!yaml-language-server)/gm, '');
    const everything = parse(text);
    expect(Object.keys(everything)).toEqual(
      expect.arrayContaining(['dryRun', 'checks', 'server', 'tls', 'exemptions']),
    );
    const result = readConfiguration(everything);
    expect(result.ok ? [] : result.problems).toEqual([]);
    const { catalogue: _a, namespaces: _b, excludedNamespaces: _c, ...rest } = everything;
    const {
      excludedNamespaceSets: _d,
      cluster: _e,
      exemptions: _f,
      tls: _g,
      callerAuthentication: _h,
      ...defaults
    } = rest;
    expect(readConfiguration(defaults)).toEqual({ ok: true, configuration: configure() });
  });

  it('writes a file that is not there, and no other', async () => {
    expect(await run('init', '--output', file)).toMatchObject({ code: 0, error: '' });
    expect(readFileSync(file, 'utf8')).toBe(renderInitialConfiguration());
    writeFileSync(file, 'mine');
    expect(await run('init', '--output', file)).toEqual({
      code: 1,
      out: '',
      error: `curfew: ${file} cannot be written (EEXIST)\n`,
    });
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });
});

describe('curfew config check', () => {
  it('says that a file is valid, and which exemptions have ended', async () => {
    writeFileSync(
      file,
      `${HEAD}exemptions:\n  rules:\n    - { name: old, match: { names: [a] }, reason: r, owner: team-a, expires: 2001-01-31 }\n`,
    );
    expect(await run('config', 'check', file)).toEqual({
      code: 0,
      out: `${file} is valid\n  note: exemption old has ended (until 2001-01-31, owner team-a)\n`,
      error: '',
    });
  });

  it('tells each mistake with its line, and fails', async () => {
    writeFileSync(file, `${HEAD}dryrun: true\nlevels: { enforce: off, warn: of }\n`);
    expect(await run('config', 'check', file)).toEqual({
      code: 1,
      out: '',
      error:
        `curfew: ${file} is not a valid configuration:\n` +
        `  ${file}:3:1: / has the unknown key "dryrun"; did you mean "dryRun"?\n` +
        `  ${file}:4:31: /levels/warn "of" is not allowed; allowed: off, baseline, restricted\n`,
    });
  });

  it.each([['config'], ['config', 'check'], ['config', 'chekc', 'a'], ['config', 'show', '--file', 'a']])(
    'is a wrong command line: %s %s %s',
    async (...argv) => {
      expect(await run(...argv)).toMatchObject({ code: 64, out: '' });
    },
  );
});

describe('curfew config show', () => {
  const lineOf = (text: string, start: string) =>
    text
      .split('\n')
      .find((line) => line.startsWith(`  ${start} `))
      ?.trim()
      .split(/ {2,}/);

  it('shows the defaults without a file', async () => {
    const { code, out } = await run('config', 'show');
    expect(code).toBe(0);
    expect(lineOf(out, 'levels.enforce')).toEqual(['levels.enforce', 'default', 'baseline']);
    expect(lineOf(out, 'catalogue')).toEqual(['catalogue', 'default', 'not pinned']);
    expect(lineOf(out, 'cluster.issuers')?.[1]).toBe('assumed');
    expect(out).not.toMatch(/undefined|\[object/);
  });

  it('says of each value where it is from, of each namespace and check why', async () => {
    writeFileSync(
      file,
      [
        `${HEAD}levels: { enforce: restricted, clusterScoped: { enforce: baseline } }`,
        'catalogue: "0.0"',
        'namespaces: { shop: { warn: off } }',
        'excludedNamespaces: [platform]',
        'excludedNamespaceSets: [eks]',
        'cluster: { issuers: [https://issuer.example] }',
        'checks: { pod-automount: { mode: off }, year-long-token: { mode: audit } }',
        'exemptions: { presets: [argo-cd] }',
      ].join('\n'),
    );
    const ownToken = { issuer: 'https://own.example', audiences: ['https://own.example'] };
    const out = showConfiguration(await loadConfigurationFile(file), {
      ownToken,
      ownNamespace: 'curfew-system',
      now: 0,
    });
    const rows: readonly (readonly string[])[] = [
      ['levels.enforce', 'file', 'restricted'],
      ['levels.warn', 'default', 'restricted'],
      ['levels.clusterScoped.enforce', 'file', 'baseline'],
      ['levels.clusterScoped.warn', 'default', 'restricted'],
      ['namespaces.shop.warn', 'file', 'off'],
      ['catalogue', 'file', '0.0'],
      ['checks.pod-automount.mode', 'file', 'off'],
      ['mutations.short-lived-api-token.expirationSeconds', 'default', '3600'],
      ['cluster.apiAudiences', 'own token', '["https://own.example"]'],
      ['cluster.issuers', 'file', '["https://issuer.example"]'],
      ['curfew-system', "Curfew's own namespace"],
      ['kube-public', 'holds nothing but leases and public facts'],
      ['platform', 'excludedNamespaces'],
      ['amazon-guardduty', 'excludedNamespaceSets: eks'],
      ['kube-system', 'is not skipped: warned about and audited; only bootstrap tokens are denied'],
      ['argo-cd', 'in force', 'permanent', 'preset argo-cd', 'pod-automount, service-account-automount'],
      ['pod-automount', 'is switched off by checks.pod-automount.mode'],
      ['long-lived-token-secret', 'only warns: it is newer than the pinned catalogue 0.0'],
    ];
    for (const row of rows) expect(lineOf(out, row[0] ?? '')).toEqual(row);
    expect(out).toContain('does no more than audit, by checks.year-long-token.mode');
  });

  it('of a file that is not valid says why, and shows nothing', async () => {
    writeFileSync(file, 'kind: CurfewConfiguration\n');
    const { code, out, error } = await run('config', 'show', file);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(error).toContain(`${file}:1:1: / lacks the key "apiVersion"`);
  });

  it('shows all of a configuration: as a file it would be the same again', () => {
    const configuration = configure({
      catalogue: '0.1',
      namespaces: { shop: { warn: 'off' } },
      excludedNamespaces: ['a'],
      excludedNamespaceSets: ['gke'],
      cluster: { issuers: ['a'] },
      checks: { 'pod-automount': { mode: 'audit' } },
      tls: { certFile: '/a', keyFile: '/b' },
    });
    expect(readConfiguration(toEffectiveFile(configuration))).toEqual({ ok: true, configuration });
  });
});

it('No key of the schema is left out of what is shown', () => {
  const file = toEffectiveFile(
    configure({
      catalogue: '0.1',
      cluster: { issuers: ['a'], apiAudiences: ['a'] },
      tls: { certFile: '/a', keyFile: '/b', caFile: '/c' },
      callerAuthentication: { caFile: '/d', names: ['kube-apiserver'] },
    }),
  );
  const missing: string[] = [];
  const walk = (schema: unknown, path: readonly string[]): void => {
    const properties = member(schema, 'properties');
    if (isObject(properties)) for (const [key, below] of Object.entries(properties)) walk(below, [...path, key]);
    else if (valueAt(file, path) === undefined) missing.push(path.join('.'));
  };
  // Exemptions are shown by themselves, and options of rules whatever they are.
  const { exemptions: _a, checks: _b, mutations: _c, ...properties } = ConfigurationSchema.properties;
  walk({ properties }, []);
  expect(missing).toEqual([]);
});

describe('curfew config migrate', () => {
  const migrations = [
    {
      from: 'curfew.dev/v0',
      to: 'curfew.dev/v1alpha1',
      changes: ['strict is now levels.enforce'],
      migrate: ({ strict = 'off', ...rest }) => ({ ...rest, levels: { enforce: strict } }),
    },
  ];
  const OLD = 'apiVersion: curfew.dev/v0\nkind: CurfewConfiguration\nstrict: restricted # ours\n';

  it.each([[[]], [['-w']]])('has nothing to do for a file of the one version there is (%s)', async (more) => {
    writeFileSync(file, `${HEAD}# ours\n`);
    expect(await run('config', 'migrate', file, ...more)).toEqual({
      code: 0,
      out: `${file} has the newest apiVersion, curfew.dev/v1alpha1: nothing needs to change\n`,
      error: '',
    });
    expect(readFileSync(file, 'utf8')).toBe(`${HEAD}# ours\n`);
  });

  it('refuses a file that is not valid, or not there', async () => {
    writeFileSync(file, OLD);
    expect(await run('config', 'migrate', file, '-w')).toMatchObject({
      code: 1,
      error: expect.stringContaining(`${file}:1:13: /apiVersion "curfew.dev/v0" is not allowed`),
    });
    expect(await run('config', 'migrate', join(folder, 'none'))).toMatchObject({ code: 1, out: '' });
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });

  it('shows what an older file becomes, and writes it when it is asked to', async () => {
    writeFileSync(file, OLD);
    const shown = await migrateConfiguration(file, { isWritten: false, migrations });
    expect(shown).toContain('# curfew.dev/v0 → curfew.dev/v1alpha1\n#   strict is now levels.enforce\n');
    expect(readFileSync(file, 'utf8')).toBe(OLD);
    const written = await migrateConfiguration(file, { isWritten: true, migrations });
    expect(written).toContain('is written, without its comments:\n  curfew.dev/v0 → curfew.dev/v1alpha1\n');
    expect(parse(readFileSync(file, 'utf8'))).toEqual(parse(shown));
    expect((await loadConfigurationFile(file)).configuration.levels.enforce).toBe('restricted');
  });
});
