/** The autoscaler, and what goes by the number of replicas when there is one. */

import { describe, expect, it } from 'vitest';
import { asArray, type JsonObject, member, valueAt } from '../../src/objects/json.ts';
import { find, HELMS, parse, refusalOf, render, sentenceOf } from './rendering.ts';

const AUTOSCALING = 'autoscaling-values.yaml';

async function renderWith(...settings: readonly string[]): Promise<readonly JsonObject[]> {
  return parse(await render('helm', undefined, settings));
}

describe('An autoscaler', () => {
  it('is not there unless it is asked for: the Deployment says how many pods there are', async () => {
    const objects = await renderWith('replicas=4', 'autoscaling.minReplicas=7');
    expect(find(objects, 'HorizontalPodAutoscaler')).toBeUndefined();
    expect(valueAt(find(objects, 'Deployment'), ['spec', 'replicas'])).toBe(4);
  });

  it.each(HELMS)('takes the number from the Deployment, by %s', async (helm) => {
    const objects = parse(await render(helm, AUTOSCALING));
    const deployment = find(objects, 'Deployment');
    expect(Object.keys(member(deployment, 'spec') as JsonObject)).not.toContain('replicas');
    const autoscaler = find(objects, 'HorizontalPodAutoscaler');
    expect(autoscaler).toMatchObject({
      apiVersion: 'autoscaling/v2',
      metadata: { name: 'curfew', namespace: 'curfew-system' },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'curfew' },
        minReplicas: 3,
        maxReplicas: 12,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } },
        ],
      },
    });
    expect(valueAt(autoscaler, ['spec', 'scaleTargetRef', 'name'])).toBe(valueAt(deployment, ['metadata', 'name']));
  });

  it('scales up at once and down by one pod at a time, unless it is told otherwise', async () => {
    const behaviorOf = async (...settings: readonly string[]) =>
      valueAt(find(await renderWith('autoscaling.enabled=true', ...settings), 'HorizontalPodAutoscaler'), [
        'spec',
        'behavior',
      ]);
    expect(await behaviorOf()).toEqual({
      scaleUp: {
        stabilizationWindowSeconds: 0,
        selectPolicy: 'Max',
        policies: [
          { type: 'Percent', value: 100, periodSeconds: 15 },
          { type: 'Pods', value: 2, periodSeconds: 15 },
        ],
      },
      scaleDown: { stabilizationWindowSeconds: 600, policies: [{ type: 'Pods', value: 1, periodSeconds: 120 }] },
    });
    expect(await behaviorOf('autoscaling.behavior.scaleDown.stabilizationWindowSeconds=60')).toMatchObject({
      scaleUp: { stabilizationWindowSeconds: 0 },
      scaleDown: { stabilizationWindowSeconds: 60 },
    });
    expect(await behaviorOf('autoscaling.behavior=null')).toBeUndefined();
  });

  it('has a disruption budget and an alert that go by the least that there are', async () => {
    const objects = parse(await render('helm', AUTOSCALING));
    expect(valueAt(find(objects, 'PodDisruptionBudget'), ['spec', 'maxUnavailable'])).toBe(2);
    const [group] = asArray(valueAt(find(objects, 'PrometheusRule'), ['spec', 'groups']));
    const rule = asArray(member(group, 'rules')).find((each) => member(each, 'alert') === 'CurfewReplicaMissing');
    expect(member(rule, 'expr')).toBe('count(curfew_build_info) < 3');
    const single = await renderWith('autoscaling.enabled=true', 'autoscaling.minReplicas=1', 'replicas=3');
    // A drain could never end.
    expect(find(single, 'PodDisruptionBudget')).toBeUndefined();
  });
});

describe('Values of it that cannot be right', () => {
  it.each<[string, readonly string[], string]>([
    [
      'a disruption budget that allows an outage',
      ['replicas=5', 'podDisruptionBudget.maxUnavailable=2'],
      'podDisruptionBudget.maxUnavailable (2) must be less than autoscaling.minReplicas (2), or a drain may take every replica at once.',
    ],
    [
      'more replicas at least than at most',
      ['autoscaling.minReplicas=4', 'autoscaling.maxReplicas=3'],
      'autoscaling.minReplicas (4) must not be more than autoscaling.maxReplicas (3).',
    ],
    [
      'a part of no CPU',
      ['resources.requests.cpu=null'],
      'autoscaling.enabled needs resources.requests.cpu: autoscaling.targetCPUUtilizationPercentage is a part of it.',
    ],
    [
      'no pods',
      ['engine=native'],
      'autoscaling.enabled is for the pods of the webhook, and with engine=native there are none: leave it out.',
    ],
  ])('are told in one sentence by both Helms: %s', async (_what, settings, sentence) => {
    for (const helm of HELMS) {
      const refusal = await refusalOf(helm, { settings: ['autoscaling.enabled=true', ...settings] });
      expect(sentenceOf(refusal)).toBe(sentence);
    }
  });

  it.each([
    ['no replica at all', 'autoscaling.minReplicas=0', /minReplicas/],
    ['no upper bound', 'autoscaling.maxReplicas=null', /maxReplicas/],
    ['no work wanted', 'autoscaling.targetCPUUtilizationPercentage=0', /targetCPUUtilizationPercentage/],
    ['a metric that it does not have', 'autoscaling.targetMemory=80', /targetMemory/],
  ])('are named by the schema: %s', async (_what, setting, words) => {
    for (const helm of HELMS) expect(await refusalOf(helm, { settings: [setting] })).toMatch(words);
  });
});
