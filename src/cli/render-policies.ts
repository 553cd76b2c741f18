/** `curfew render policies`: the policies as YAML, and in comments before them what they leave. */

import { stringify } from 'yaml';
import type { Left, NativeOptions, NodeTokenMode, PolicyEngine } from '../native/native-options.ts';
import { renderPolicies } from '../native/render-policies.ts';
import { formatRenderedFrom } from '../native/rendered-from.ts';
import type { JsonObject } from '../objects/json.ts';
import type { ActiveLevel } from '../objects/level.ts';
import { VERSION } from '../version.ts';
import { findClusterFacts } from './cluster-facts.ts';
import { loadChartValues, loadConfigurationFile } from './configuration-file.ts';

export type RenderPoliciesOptions = {
  readonly config?: string;
  /** Values of the chart, in place of `config`. */
  readonly values?: string;
  readonly engine: PolicyEngine;
  readonly nodeTokens: NodeTokenMode;
  readonly level?: ActiveLevel;
  /** `1.33`. */
  readonly kubernetes: string;
  readonly namespace: string;
};

/** @param now - in ms since the epoch */
export async function renderPoliciesFile(options: RenderPoliciesOptions, now: number): Promise<string> {
  const { configuration, parsed } =
    options.values === undefined ? await loadConfigurationFile(options.config) : await loadChartValues(options.values);
  const rendering: NativeOptions = {
    engine: options.engine,
    nodeTokens: options.nodeTokens,
    configuration,
    cluster: findClusterFacts(configuration, undefined).facts,
    ownNamespace: options.namespace,
    level: options.level,
    now,
    minor: Number(options.kubernetes.split('.')[1]),
  };
  const { objects, left } = renderPolicies(rendering);
  const head = [
    `Admission policies for Kubernetes ${options.kubernetes} and later, written by curfew ${VERSION} (curfew render policies).`,
    formatRenderedFrom(parsed, VERSION, rendering),
    'Render them again whenever the configuration changes. What they do not do, and the webhook does:',
    ...left.map(formatLeft),
  ];
  return `${head.map((line) => `# ${line}\n`).join('')}${toYaml(objects)}`;
}

function formatLeft({ id, why }: Left): string {
  return `- ${id === '' ? '' : `${id}: `}${why}`;
}

/** Documents with a line between them. */
export function toYaml(objects: readonly JsonObject[]): string {
  return objects.map((object) => `---\n${stringify(object, { lineWidth: 0 })}`).join('');
}
