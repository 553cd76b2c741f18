import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/objects/json.ts';
import { sendStatus } from './fake-api-server.ts';
import { eventually } from './fake-clock.ts';
import { createIndexHarness, type IndexHarness, startSynced } from './index-harness.ts';

const SLICES = '/apis/discovery.k8s.io/v1/namespaces/curfew-system/endpointslices';

let harness: IndexHarness;
let changes: number;

beforeEach(async () => {
  changes = 0;
  const onChange = () => {
    changes += 1;
  };
  harness = await createIndexHarness({ replicas: { namespace: 'curfew-system', service: 'curfew', onChange } });
});
afterEach(async () => {
  await harness.index.stop();
  await harness.server.stop();
});

describe('The replicas', () => {
  it('are the endpoints of the Service that answer, each pod once, whatever the number of slices', async () => {
    const { server, index } = harness;
    put('curfew-a', [endpoint('curfew-1', '10.0.0.1'), endpoint('curfew-2', '10.0.0.2', { ready: false })]);
    put('curfew-b', [
      endpoint('curfew-3', '10.0.0.3', {}),
      endpoint('curfew-1', 'fd00::1'),
      endpoint('curfew-4', '10.0.0.4', { ready: false, serving: true, terminating: true }),
    ]);
    await startSynced(harness, 3);
    expect(index.replicas()).toEqual({
      state: 'found',
      value: [
        { pod: 'curfew-1', address: '10.0.0.1' },
        { pod: 'curfew-3', address: '10.0.0.3' },
        { pod: 'curfew-4', address: '10.0.0.4' },
      ],
    });
    const list = server.requests.find(({ path }) => path === SLICES);
    expect(list?.query.get('labelSelector')).toBe('kubernetes.io/service-name=curfew');
  });

  it('come and go, and each change is told', async () => {
    const { index } = harness;
    put('curfew-a', []);
    await startSynced(harness, 3);
    expect(index.replicas()).toEqual({ state: 'found', value: [] });
    const before = changes;
    put('curfew-a', [endpoint('curfew-1', '10.0.0.1')]);
    await eventually(() => changes > before);
    expect(index.replicas()).toEqual({ state: 'found', value: [{ pod: 'curfew-1', address: '10.0.0.1' }] });
    harness.server.remove(`${SLICES}/curfew-a`);
    await eventually(() => changes > before + 1);
    expect(index.replicas()).toEqual({ state: 'found', value: [] });
  });

  it('are unknown while they are listed anew, and until what was missed has been heard', async () => {
    const { server, index, clock } = harness;
    put('curfew-a', [endpoint('curfew-1', '10.0.0.1')]);
    await startSynced(harness, 3);
    server.intercept = (_, response) => {
      sendStatus(response, 500, 'down');
      return 'handled';
    };
    server.breakWatches();
    await eventually(() => index.replicas().state === 'unknown');
    server.intercept = () => 'pass';
    await eventually(() => {
      clock.advance(1_000);
      return server.watches() === 3;
    });
    expect(index.replicas().state).toBe('unknown');
    put('curfew-a', [endpoint('curfew-2', '10.0.0.2')]);
    await eventually(() => JSON.stringify(index.replicas()).includes('listed anew'));
    clock.advance(10_000);
    expect(index.replicas()).toMatchObject({ value: [{ pod: 'curfew-2' }] });
  });

  it('are no endpoints of which not all is known', async () => {
    put('curfew-a', [
      {},
      { addresses: ['10.0.0.1'] },
      { targetRef: { name: 'curfew-1' } },
      endpoint('curfew-2', '10.0.0.2'),
    ]);
    await startSynced(harness, 3);
    expect(harness.index.replicas()).toEqual({ state: 'found', value: [{ pod: 'curfew-2', address: '10.0.0.2' }] });
  });

  it('are unknown while the API server is not heard, and a right that is missing keeps nobody from being ready', async () => {
    const { server, index } = harness;
    expect(index.replicas()).toMatchObject({ state: 'unknown' });
    server.intercept = ({ path }, response) => {
      if (path !== SLICES) return 'pass';
      sendStatus(response, 403, 'Forbidden');
      return 'handled';
    };
    await startSynced(harness, 2);
    expect(index.replicas()).toEqual({
      state: 'unknown',
      why: expect.stringContaining('replicas are not known: '),
    });
    expect(index.replicas()).toMatchObject({ why: expect.stringContaining('403 Forbidden') });
  });
});

it('There are none where they are not watched', async () => {
  const other = await createIndexHarness();
  expect(other.index.replicas()).toEqual({ state: 'absent' });
  await other.server.stop();
});

function put(name: string, endpoints: readonly JsonObject[]): void {
  const metadata = { name, namespace: 'curfew-system', labels: { 'kubernetes.io/service-name': 'curfew' } };
  harness.server.put(`${SLICES}/${name}`, { kind: 'EndpointSlice', metadata, addressType: 'IPv4', endpoints });
}

function endpoint(pod: string, address: string, conditions: JsonObject = { ready: true }): JsonObject {
  return { addresses: [address], conditions, targetRef: { kind: 'Pod', name: pod, namespace: 'curfew-system' } };
}
