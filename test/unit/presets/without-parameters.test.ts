import { expect, it } from 'vitest';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../../../src/policy/configuration.ts';

it('A preset without parameters takes none, and fills in none', () => {
  const shop = { volume: 'shop-token', mountPath: '/var/run/shop', audience: '${tenant}', env: [] };
  const settings = { presets: { shop }, presetParameters: { shop: { tenant: 'a' } } };
  const result = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, mutations: { 'inject-token': settings } });
  const problems = result.ok ? [] : result.problems.map(({ path, problem }) => `${path} ${problem}`);
  expect(problems.join('\n')).toContain('"tenant" is no parameter of preset "shop"');
  expect(problems.join('\n')).toContain('has ${tenant}, which is no parameter of it');
});
