/** The chart, rendered as a user's Helm renders it, and made to point at a process on this machine. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { runProgram } from '../scripts/run-program.ts';
import { kubernetesFolder, parseVersion } from '../scripts/tool-versions.ts';
import { findTools } from '../scripts/tools.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, isObject, member, valueAt } from '../src/objects/json.ts';

export const CHART_FOLDER = join(import.meta.dirname, '..', 'charts', 'curfew');
export const RELEASE_NAMESPACE = 'curfew-system';
/** Where its CronJobs run. */
export const TASK_NAMESPACE = 'curfew-tasks';

/** Kinds that need nodes, or that a process on this machine stands in for. */
const NOT_APPLIED = new Set(['Deployment', 'Service', 'PodDisruptionBudget']);

/** `helm template curfew` with these values, as objects. Throws with Helm's own words if it fails. */
export async function renderChart(values: JsonObject, helmBinary?: string): Promise<readonly JsonObject[]> {
  const helm = helmBinary ?? (await findTools(['helm'])).helm;
  const folder = await mkdtemp(join(tmpdir(), 'curfew-values-'));
  try {
    const file = join(folder, 'values.json');
    await writeFile(file, JSON.stringify(values));
    // Without the pod of `helm test`, which is not applied but run when somebody asks.
    const args = [
      'template',
      'curfew',
      CHART_FOLDER,
      '--namespace',
      RELEASE_NAMESPACE,
      '--skip-tests',
      // As Helm would ask the cluster, since what is rendered depends on it.
      '--kube-version',
      `1.${parseVersion(kubernetesFolder(process.env)).minor}.0`,
      '--values',
      file,
    ];
    const { code, stdout, stderr } = await runProgram(helm, args, { env: { ...process.env, HELM_CACHE_HOME: folder } });
    if (code !== 0) throw new Error(`helm template failed: ${stderr}`);
    return parseAllDocuments(stdout).flatMap((document) => {
      const object: unknown = document.toJS();
      return isObject(object) ? [object] : [];
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What of the rendered chart is applied when Curfew runs on this machine at `baseUrl`: the envtest convention. */
export function pointAtProcess(objects: readonly JsonObject[], baseUrl: string): readonly JsonObject[] {
  return objects
    .filter((object) => !NOT_APPLIED.has(asString(member(object, 'kind')) ?? ''))
    .map((object) => {
      if (!isWebhookConfiguration(object)) return object;
      const webhooks = asArray(member(object, 'webhooks')).map((webhook) => {
        if (!isObject(webhook)) return webhook;
        const path = asString(valueAt(webhook, ['clientConfig', 'service', 'path'])) ?? '';
        return { ...webhook, clientConfig: { url: `${baseUrl}${path}` } };
      });
      return { ...object, webhooks };
    });
}

/** The arguments that the chart's Deployment gives the server. */
export function serverArguments(objects: readonly JsonObject[]): readonly string[] {
  const deployment = objects.find((object) => member(object, 'kind') === 'Deployment');
  const args = asArray(valueAt(deployment, ['spec', 'template', 'spec', 'containers', 0, 'args']));
  return args.filter((arg): arg is string => typeof arg === 'string');
}

/** The configuration file in the chart's ConfigMap. */
export function configurationText(objects: readonly JsonObject[]): string {
  const configMap = objects.find((object) => member(object, 'kind') === 'ConfigMap');
  const text = valueAt(configMap, ['data', 'configuration.yaml']);
  if (typeof text !== 'string') throw new Error('the chart renders no ConfigMap with a configuration');
  return text;
}

export function isWebhookConfiguration(object: JsonObject): boolean {
  return (asString(member(object, 'kind')) ?? '').endsWith('WebhookConfiguration');
}
