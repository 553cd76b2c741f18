import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { EMPTY_CONFIGURATION_FILE, listSchemeKeys, readConfiguration } from '../../../src/policy/configuration.ts';
import { configure } from '../judging.ts';

describe('A configuration that contradicts itself', () => {
  const problemsOf = (file: unknown) => {
    const result = readConfiguration(file);
    return result.ok ? [] : result.problems;
  };
  const problems = (keys: JsonObject) => problemsOf({ ...EMPTY_CONFIGURATION_FILE, ...keys });

  it('is refused, and each place is told', () => {
    expect(problems({ server: { bodyLimitBytes: 8_000_000, maxBodyBytesInFlight: 7_999_999 } })).toEqual([
      {
        path: '/server/maxBodyBytesInFlight',
        problem: '7999999 must be >= bodyLimitBytes, which is 8000000',
      },
    ]);
    expect(problems({ server: { bodyLimitBytes: 8_000_000, maxBodyBytesInFlight: 8_000_000 } })).toEqual([]);
    expect(problems({ mutations: { 'inject-token': { presetParameters: { nosuch: { a: 'b' } } } } })).toEqual([
      expect.objectContaining({ path: '/mutations/inject-token/presetParameters/nosuch' }),
    ]);
  });

  it('has all of it told at once', () => {
    expect(problems({ dryRun: 1, secretIndex: 1 }).map(({ path }) => path)).toEqual(['/dryRun', '/secretIndex']);
    expect(problemsOf([])).toEqual([{ path: '/', problem: 'must be an object, with apiVersion and kind' }]);
  });

  it('has long values cut', () => {
    const problemOf = (text: string) => problems({ dryRun: text }).map(({ problem }) => problem)[0];
    expect(problemOf('x'.repeat(500))).toBe(`"${'x'.repeat(119)}… must be boolean`);
    expect(problemOf('x'.repeat(118))).toBe(`"${'x'.repeat(118)}" must be boolean`);
  });

  it('needs the keys of its own presets', () => {
    expect([...listSchemeKeys(configure())]).toEqual([]);
  });
});

describe('The defaults of a configuration', () => {
  it('are what is documented, also where there is no file', () => {
    expect(configure()).toMatchObject({
      dryRunInjection: false,
      secretIndex: false,
      foreignWebhooks: { watch: true },
      namespaceWarnings: { enabled: true },
      events: { enabled: false },
      apiAccess: { acceptFrom: ['ServiceAccount'], approval: false },
      excludedNamespacesOfFile: [],
      excludedNamespaceSets: [],
      cluster: { apiAudiences: undefined, issuers: undefined },
      callerAuthentication: undefined,
    });
    expect(configure().excludedNamespaces.size).toBe(0);
    expect(configure().checks.get('token-request-binding')).toEqual({
      mode: 'enforce',
      options: { unboundMaxSeconds: 3_600 },
    });
    expect(
      configure({ mutations: { 'automount-opt-out': { mode: 'report' } } }).mutations.get('automount-opt-out')?.mode,
    ).toBe('report');
    expect(configure({ foreignWebhooks: { watch: false } }).foreignWebhooks).toEqual({ watch: false });
    expect(configure({ namespaceWarnings: { enabled: false } }).namespaceWarnings).toEqual({ enabled: false });
    expect(configure({ events: { enabled: true } }).events).toEqual({ enabled: true });
    expect(configure({ secretIndex: true }).secretIndex).toBe(true);
  });
});
