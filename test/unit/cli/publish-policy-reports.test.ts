/** What goes to the API server, and what follows from its answers; with a real one in e2e/audit.test.ts. */

import { describe, expect, it } from 'vitest';
import type { PublishOptions } from '../../../src/cli/publish-policy-reports.ts';
import { publishPolicyReports } from '../../../src/cli/publish-policy-reports.ts';
import type { KubeRequest, KubeResponse } from '../../../src/kube/api.ts';
import { createPolicyReports } from '../../../src/reports/policy-reports.ts';
import { createReport } from '../../audit-reports.ts';

const BASE = '/apis/openreports.io/v1alpha1';
const [first] = createReport(1).findings;
if (first === undefined) throw new Error('no finding');
const REPORTS = createPolicyReports(
  { ...createReport(0), findings: [{ ...first, mode: 'enforce', object: { ...first.object, namespace: 'shop' } }] },
  { group: 'openreports.io', withWarnings: false },
);

const ownIn = (namespace: string, manager = 'curfew-audit') => ({
  metadata: {
    name: 'curfew-audit',
    namespace,
    uid: `uid-${namespace}`,
    resourceVersion: '7',
    managedFields: [{ manager, operation: 'Apply' }],
  },
});

/** An API server that has both kinds and these reports, and answers as told where it is told. */
function serve(live: readonly object[], answers: Readonly<Record<string, KubeResponse>> = {}) {
  const sent: string[] = [];
  const request = async ({ method, path, query }: KubeRequest): Promise<KubeResponse> => {
    const line = `${method} ${path.slice(BASE.length)}${query?.['force'] === undefined ? '' : ` force=${query['force']}`}`;
    sent.push(line);
    const told = answers[line];
    if (told !== undefined) return told;
    if (path === BASE) return { status: 200, body: { resources: [{ name: 'reports' }, { name: 'clusterreports' }] } };
    return { status: 200, body: { items: path.endsWith('/reports') ? live : [] } };
  };
  const options: PublishOptions = {
    client: { request },
    signal: new AbortController().signal,
    group: 'openreports.io',
    namespace: undefined,
    isWhole: true,
  };
  return { sent, options };
}

const conflict: KubeResponse = { status: 409, body: { reason: 'Conflict', message: 'conflicts with "them"' } };
const WRITE = 'PATCH /namespaces/shop/reports/curfew-audit force=false';

describe('Publishing', () => {
  it('deletes what is stale and ours, and nothing else', async () => {
    const { sent, options } = serve([ownIn('shop'), ownIn('old'), ownIn('theirs', 'them')]);
    expect(await publishPolicyReports(REPORTS, options)).toEqual({ written: 1, deleted: 1, faults: [] });
    expect(sent.filter((line) => line.startsWith('DELETE'))).toEqual(['DELETE /namespaces/old/reports/curfew-audit']);
  });

  it('deletes nothing where not all was read: what is gone may only be unseen', async () => {
    const { sent, options } = serve([ownIn('old')]);
    expect(await publishPolicyReports([], { ...options, isWhole: false })).toEqual({
      written: 0,
      deleted: 0,
      faults: [],
    });
    expect(sent.filter((line) => line.startsWith('DELETE'))).toEqual([]);
  });

  it('lists one namespace where one was looked at', async () => {
    const { sent, options } = serve([]);
    await publishPolicyReports([], { ...options, namespace: 'shop' });
    expect(sent).toEqual(['GET ', 'GET /namespaces/shop/reports']);
  });

  it('takes back what others changed in a report of ours', async () => {
    const { sent, options } = serve([], {
      [WRITE]: conflict,
      'GET /namespaces/shop/reports/curfew-audit': { status: 200, body: ownIn('shop') },
    });
    expect(await publishPolicyReports(REPORTS, options)).toMatchObject({ written: 1, faults: [] });
    expect(sent).toContain(WRITE.replace('false', 'true'));
  });

  it('leaves a report of theirs, and goes on', async () => {
    const { sent, options } = serve([ownIn('old')], {
      [WRITE]: conflict,
      'GET /namespaces/shop/reports/curfew-audit': { status: 200, body: ownIn('shop', 'them') },
    });
    expect(await publishPolicyReports(REPORTS, options)).toEqual({
      written: 0,
      deleted: 1,
      faults: ['Report shop/curfew-audit cannot be written: HTTP 409 Conflict: conflicts with "them"'],
    });
    expect(sent).not.toContain(WRITE.replace('false', 'true'));
  });

  it.each([404, 409])('takes a report as done that is gone or new meanwhile (%i)', async (status) => {
    const { options } = serve([ownIn('old')], { 'DELETE /namespaces/old/reports/curfew-audit': { status, body: {} } });
    expect(await publishPolicyReports([], options)).toEqual({ written: 0, deleted: 0, faults: [] });
  });

  it('says which kinds are not there, and which right is', async () => {
    const { options } = serve([], { 'GET ': { status: 404, body: {} } });
    await expect(publishPolicyReports([], options)).rejects.toThrow(
      'this cluster has no Report and ClusterReport of openreports.io/v1alpha1: install their CustomResourceDefinitions, or choose --policy-report-group wgpolicyk8s.io',
    );
    const forbidden = serve([], { 'GET ': { status: 403, body: { reason: 'Forbidden' } } });
    await expect(publishPolicyReports([], forbidden.options)).rejects.toThrow('cannot be read: HTTP 403 Forbidden');
  });
});
