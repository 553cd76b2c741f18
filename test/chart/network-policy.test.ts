/** The NetworkPolicy of the chart: what it opens, and that nothing else is open by a rule that says too little. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { asArray, type JsonObject, member, valueAt } from '../../src/objects/json.ts';
import { CHART, find, findHelms, parse, render } from './rendering.ts';

beforeAll(async () => {
  await findHelms();
});

const API_SERVER = { ipBlock: { cidr: '192.0.2.0/28' } };

/** As a peer of the policy. */
function replicasOf(objects: readonly JsonObject[]) {
  return { podSelector: valueAt(find(objects, 'Deployment'), ['spec', 'selector']) };
}

describe('The network policy', () => {
  it('opens the port of the webhook to all, and that of metrics to other replicas alone, by default', async () => {
    const objects = parse(await render('helm', undefined, ['networkPolicy.enabled=true']));
    const spec = member(find(objects, 'NetworkPolicy'), 'spec');
    expect(spec).toEqual({
      podSelector: valueAt(find(objects, 'Deployment'), ['spec', 'selector']),
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        { ports: [{ port: 10_250, protocol: 'TCP' }] },
        { ports: [{ port: 8_080, protocol: 'TCP' }], from: [replicasOf(objects)] },
      ],
      egress: [
        {
          ports: [
            { port: 443, protocol: 'TCP' },
            { port: 6_443, protocol: 'TCP' },
          ],
        },
        { ports: [{ port: 8_080, protocol: 'TCP' }], to: [replicasOf(objects)] },
      ],
    });
  });

  it('lets in those who read metrics, and the API server by its own port alone', async () => {
    const objects = parse(await render('helm', 'monitoring-values.yaml'));
    const spec = member(find(objects, 'NetworkPolicy'), 'spec');
    expect(member(spec, 'ingress')).toEqual([
      { ports: [{ port: 10_250, protocol: 'TCP' }] },
      { ports: [{ port: 9_090, protocol: 'TCP' }], from: [replicasOf(objects)] },
      {
        ports: [{ port: 9_090, protocol: 'TCP' }],
        from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
      },
    ]);
    expect(member(spec, 'egress')).toEqual([
      { ports: [{ port: 443, protocol: 'TCP' }] },
      { ports: [{ port: 9_090, protocol: 'TCP' }], to: [replicasOf(objects)] },
    ]);
  });

  it('is as tight as the values know the API server, lets the pod of helm test in, and names only where asked', async () => {
    const objects = parse(await render('helm', 'emergency-values.yaml'));
    const test = objects.find(
      (object) => member(object, 'kind') === 'Pod' && valueAt(object, ['metadata', 'name']) === 'curfew-test',
    );
    const spec = member(find(objects, 'NetworkPolicy'), 'spec');
    const [{ from = [] } = {}] = asArray(member(spec, 'ingress')) as readonly { from?: readonly JsonObject[] }[];
    expect(from).toEqual([
      API_SERVER,
      {
        podSelector: {
          matchLabels: { 'app.kubernetes.io/name': 'curfew-test', 'app.kubernetes.io/instance': 'curfew' },
        },
      },
    ]);
    expect(valueAt(test, ['metadata', 'labels'])).toMatchObject(
      valueAt(from[1], ['podSelector', 'matchLabels']) as JsonObject,
    );
    expect(member(spec, 'egress')).toEqual([
      {
        ports: [
          { port: 443, protocol: 'TCP' },
          { port: 6_443, protocol: 'TCP' },
        ],
        to: [API_SERVER, { ipBlock: { cidr: '10.0.0.1/32' } }],
      },
      { ports: [{ port: 8_080, protocol: 'TCP' }], to: [replicasOf(objects)] },
      {
        ports: [
          { port: 53, protocol: 'UDP' },
          { port: 53, protocol: 'TCP' },
        ],
      },
    ]);
  });

  it.each(readdirSync(join(CHART, 'ci')))(
    'with %s has no rule without ports, and leaves no direction open',
    async (file) => {
      const objects = parse(await render('helm', file));
      const spec = member(find(objects, 'NetworkPolicy'), 'spec');
      if (spec === undefined) return;
      // A rule without ports is open on all of them, and a type that is not listed is not limited.
      expect(member(spec, 'policyTypes')).toEqual(['Ingress', 'Egress']);
      for (const rule of [...asArray(member(spec, 'ingress')), ...asArray(member(spec, 'egress'))]) {
        expect(asArray(member(rule, 'ports')).length).toBeGreaterThan(0);
      }
      // What it selects are the pods of the Deployment, whatever their names and labels.
      const selected = valueAt(spec, ['podSelector', 'matchLabels']) as JsonObject;
      expect(valueAt(find(objects, 'Deployment'), ['spec', 'template', 'metadata', 'labels'])).toMatchObject(selected);
    },
  );
});
