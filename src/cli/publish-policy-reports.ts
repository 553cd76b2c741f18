/** Writes policy reports into a cluster in place, and takes away those of ours that nothing fails for any more. */

import type { KubeClient, KubeResponse } from '../kube/api.ts';
import { listAll } from '../kube/list-all.ts';
import { METADATA_LIST } from '../kube/metadata.ts';
import { describeError, describeResponse } from '../kube/sentences.ts';
import { asArray, asString, member, valueAt } from '../objects/json.ts';
import type { PolicyReportGroup } from '../reports/policy-report-groups.ts';
import { POLICY_REPORT_APIS } from '../reports/policy-report-groups.ts';
import type { PolicyReport } from '../reports/policy-reports.ts';
import { POLICY_REPORT_LABELS, POLICY_REPORT_NAME } from '../reports/policy-reports.ts';

export type PublishOptions = {
  readonly client: Pick<KubeClient, 'request'>;
  readonly signal: AbortSignal;
  readonly group: PolicyReportGroup;
  /** The only one that was looked at, or undefined for all. */
  readonly namespace: string | undefined;
  /** False if not all could be read: then a report whose findings are gone may only be one that nobody saw. */
  readonly isWhole: boolean;
};

export type Published = { readonly written: number; readonly deleted: number; readonly faults: readonly string[] };

/**
 * What cannot be written or deleted is a fault, and the rest is done all the same.
 *
 * @throws Error with a sentence if the cluster does not have the kinds
 */
export async function publishPolicyReports(
  reports: readonly PolicyReport[],
  options: PublishOptions,
): Promise<Published> {
  await requireKinds(options);
  const faults: string[] = [];
  let [written, deleted] = [0, 0];
  const kept = new Set<string>();
  for (const report of reports) {
    const path = pathOf(options.group, report.metadata.namespace);
    kept.add(path);
    const response = await apply(report, path, options);
    if (response.status < 300) written += 1;
    else faults.push(`${nameOf(report)} cannot be written: ${describeResponse(response)}`);
  }
  if (!options.isWhole) return { written, deleted, faults };
  for (const stale of await listOwn(options, faults)) {
    if (kept.has(stale.path)) continue;
    const response = await remove(stale, options);
    // Gone already, or written anew by somebody meanwhile: neither is ours to delete.
    if (response.status < 300) deleted += 1;
    else if (response.status !== 404 && response.status !== 409) {
      faults.push(`${stale.path} cannot be deleted: ${describeResponse(response)}`);
    }
  }
  return { written, deleted, faults };
}

async function requireKinds({ client, signal, group }: PublishOptions): Promise<void> {
  const { version, namespaced, cluster } = POLICY_REPORT_APIS[group];
  const response = await client.request({ method: 'GET', path: `/apis/${group}/${version}`, signal });
  const served = new Set(asArray(member(response.body, 'resources')).map((one) => asString(member(one, 'name'))));
  if (response.status === 200 && [namespaced, cluster].every(({ resource }) => served.has(resource))) return;
  if (response.status !== 200 && response.status !== 404) {
    throw new Error(`/apis/${group}/${version} cannot be read: ${describeResponse(response)}`);
  }
  const other = group === 'openreports.io' ? 'wgpolicyk8s.io' : 'openreports.io';
  throw new Error(
    `this cluster has no ${namespaced.kind} and ${cluster.kind} of ${group}/${version}: install their CustomResourceDefinitions, or choose --policy-report-group ${other}`,
  );
}

/** Server-side apply. What others have changed in a report of ours is taken back; a report of theirs is left alone. */
async function apply(report: PolicyReport, path: string, { client, signal }: PublishOptions): Promise<KubeResponse> {
  const send = async (force: boolean) =>
    await client.request({
      method: 'PATCH',
      path,
      query: { fieldManager: POLICY_REPORT_NAME, force: String(force) },
      contentType: 'application/apply-patch+yaml',
      body: report,
      signal,
    });
  const response = await send(false);
  if (response.status !== 409) return response;
  const live = await client.request({ method: 'GET', path, signal });
  return isOwn(live.body) ? await send(true) : response;
}

type OwnReport = { readonly path: string; readonly uid: string; readonly resourceVersion: string };

/** By label, name and field manager: a label alone is anybody's to write. */
async function listOwn(options: PublishOptions, faults: string[]): Promise<readonly OwnReport[]> {
  const { client, signal, group, namespace } = options;
  const { version, namespaced, cluster } = POLICY_REPORT_APIS[group];
  const base = `/apis/${group}/${version}`;
  const paths =
    namespace === undefined
      ? [`${base}/${namespaced.resource}`, `${base}/${cluster.resource}`]
      : [`${base}/namespaces/${encodeURIComponent(namespace)}/${namespaced.resource}`];
  const labelSelector = Object.entries(POLICY_REPORT_LABELS)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  const own: OwnReport[] = [];
  for (const path of paths) {
    try {
      for await (const page of listAll(client, { path, query: { labelSelector }, accept: METADATA_LIST }, signal)) {
        own.push(...page.filter(isOwn).map((item) => toOwn(item, group)));
      }
    } catch (error) {
      signal.throwIfAborted();
      faults.push(describeError(error));
    }
  }
  return own;
}

function isOwn(object: unknown): boolean {
  const managers = asArray(valueAt(object, ['metadata', 'managedFields']));
  return (
    asString(valueAt(object, ['metadata', 'name'])) === POLICY_REPORT_NAME &&
    managers.some((one) => member(one, 'manager') === POLICY_REPORT_NAME && member(one, 'operation') === 'Apply')
  );
}

function toOwn(item: unknown, group: PolicyReportGroup): OwnReport {
  const read = (key: string) => asString(valueAt(item, ['metadata', key]));
  return {
    path: pathOf(group, read('namespace')),
    uid: read('uid') ?? '',
    resourceVersion: read('resourceVersion') ?? '',
  };
}

async function remove({ path, uid, resourceVersion }: OwnReport, { client, signal }: PublishOptions) {
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } };
  return await client.request({ method: 'DELETE', path, contentType: 'application/json', body, signal });
}

function pathOf(group: PolicyReportGroup, namespace: string | undefined): string {
  const { version, namespaced, cluster } = POLICY_REPORT_APIS[group];
  const within =
    namespace === undefined ? cluster.resource : `namespaces/${encodeURIComponent(namespace)}/${namespaced.resource}`;
  return `/apis/${group}/${version}/${within}/${POLICY_REPORT_NAME}`;
}

function nameOf({ kind, metadata: { name, namespace } }: PolicyReport): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}
