import { collectDefaultMetrics, Registry } from '@prometheus-io/client';
import { expect, it } from 'vitest';
import { collectProcessMetrics } from '../../src/metrics/process-metrics.ts';

async function listNames(collect: (registry: Registry) => void): Promise<readonly string[]> {
  const registry = new Registry();
  collect(registry);
  const text = await registry.metrics();
  return Array.from(text.matchAll(/^# TYPE (\S+)/gm), ([, name = '']) => name);
}

it('The metrics of the process are all that the library has, but for the duration of each garbage collection', async () => {
  const all = await listNames((registry) => collectDefaultMetrics({ register: registry }));
  expect(all).toContain('nodejs_gc_duration_seconds');
  expect(await listNames(collectProcessMetrics)).toEqual(all.filter((name) => name !== 'nodejs_gc_duration_seconds'));
});
