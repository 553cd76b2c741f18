/**
 * Writes everything that is said once in code and shown elsewhere: reference pages, schemas, parts of the chart, the
 * README's table, and the manifests in `deploy/`.
 *
 *     npm run generate              writes
 *     npm run generate -- --check   writes nothing, and fails naming each file that differs
 */

import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Run } from '../bench/define-benchmark.ts';
import { renderPage } from '../bench/render.ts';
import { CHECKS } from '../src/checks/registry.ts';
import { MUTATIONS } from '../src/mutations/registry.ts';
import { BUILT_IN_PRESETS } from '../src/presets/registry.ts';
import { renderChartReadme, renderValuesSchema } from './chart-values.ts';
import { renderNamespaceSets, renderTaskRules, renderWebhooks } from './generate-chart.ts';
import { renderCheck, renderRefusals, renderRulesTable } from './generate-checks.ts';
import { renderCommands } from './generate-commands.ts';
import { renderDashboard } from './generate-dashboard.ts';
import { ALERT_FILES, MANIFESTS, renderAlerts, renderManifest } from './generate-deploy.ts';
import { renderFailures } from './generate-failures.ts';
import { renderHttpAnswers } from './generate-http-answers.ts';
import { renderMutation } from './generate-mutations.ts';
import { renderNativePolicies } from './generate-native.ts';
import { renderChartPolicies, renderNativeDefaults } from './generate-native-chart.ts';
import { renderPageAssets } from './generate-page.ts';
import { renderPreset, renderTokenAnnotation } from './generate-presets.ts';
import {
  renderAuditReportSchema,
  renderCheckReportSchema,
  renderConfiguration,
  renderConfigurationSchema,
  renderEntries,
  renderErrors,
  renderExemptionPresets,
  renderLabels,
  renderMetrics,
} from './generate-reference.ts';
import { renderSoakChart, renderSoakPage, SOAK_CHART } from './generate-soak.ts';
import { findTools, ToolMissingError } from './tools.ts';

const ROOT = join(import.meta.dirname, '..');
const CHECK_PAGES = 'docs/reference/checks';
const MUTATION_PAGES = 'docs/reference/mutations';
const PRESET_PAGES = 'docs/reference/presets';
const BENCHMARKS = 'bench/results/newest.json';
const SOAK = 'bench/results/soak.json';

type Output = { readonly path: string; readonly render: () => string | Promise<string> };

const OUTPUTS: readonly Output[] = [
  { path: 'charts/curfew/templates/webhooks.yaml', render: renderWebhooks },
  { path: 'charts/curfew/templates/_namespace-sets.tpl', render: renderNamespaceSets },
  { path: 'charts/curfew/templates/_task-rules.tpl', render: renderTaskRules },
  { path: 'charts/curfew/files/native-policies.yaml', render: renderChartPolicies },
  { path: 'charts/curfew/templates/_native-defaults.tpl', render: renderNativeDefaults },
  {
    path: 'charts/curfew/values.schema.json',
    render: async () => renderValuesSchema(await read('charts/curfew/values.yaml')),
  },
  { path: 'charts/curfew/files/dashboard.json', render: renderDashboard },
  { path: 'charts/curfew/README.md', render: async () => renderChartReadme(await read('charts/curfew/values.yaml')) },
  { path: 'src/reports/html/page-assets.json', render: renderPageAssets },
  { path: 'docs/failures.md', render: renderFailures },
  { path: 'docs/reference/commands.md', render: renderCommands },
  // Numbers come from `npm run bench`; without a run there is no page.
  ...(existsSync(join(ROOT, BENCHMARKS))
    ? [{ path: 'docs/performance.md', render: async () => renderPage(await readRun(BENCHMARKS)) }]
    : []),
  ...(existsSync(join(ROOT, SOAK))
    ? [
        { path: 'docs/soak.md', render: async () => renderSoakPage(await readRun(SOAK)) },
        { path: `docs/${SOAK_CHART}`, render: async () => renderSoakChart(await readRun(SOAK)) },
      ]
    : []),
  { path: 'docs/reference/errors.md', render: renderErrors },
  { path: 'docs/reference/http-answers.md', render: renderHttpAnswers },
  { path: 'docs/reference/native-policies.md', render: renderNativePolicies },
  { path: 'docs/reference/exemption-presets.md', render: renderExemptionPresets },
  { path: 'docs/reference/metrics.md', render: renderMetrics },
  { path: 'docs/reference/webhook-entries.md', render: renderEntries },
  { path: 'docs/reference/labels-and-annotations.md', render: renderLabels },
  { path: 'docs/reference/configuration.md', render: renderConfiguration },
  { path: 'docs/reference/configuration.schema.json', render: renderConfigurationSchema },
  { path: 'docs/reference/check-report.schema.json', render: renderCheckReportSchema },
  { path: 'docs/reference/audit-report.schema.json', render: renderAuditReportSchema },
  ...CHECKS.map((check) => ({ path: `${CHECK_PAGES}/${check.id}.md`, render: () => renderCheck(check) })),
  ...MUTATIONS.map((mutation) => ({
    path: `${MUTATION_PAGES}/${mutation.id}.md`,
    render: () => renderMutation(mutation),
  })),
  { path: 'docs/reference/token-annotation.md', render: renderTokenAnnotation },
  ...[...BUILT_IN_PRESETS].map(([name, preset]) => ({
    path: `${PRESET_PAGES}/${name}.md`,
    render: () => renderPreset(name, preset),
  })),
  ...ALERT_FILES.map((alerts) => ({ path: `deploy/${alerts.file}`, render: async () => await renderAlerts(alerts) })),
  { path: 'README.md', render: async () => await fillIn('README.md', 'checks', renderRulesTable()) },
  { path: 'CHANGELOG.md', render: async () => await fillIn('CHANGELOG.md', 'refusals', renderRefusals()) },
];

/** A contributor of a check needs no Helm: without one these stay as they are, and the chart's tests compare them. */
async function renderManifests(): Promise<readonly Output[]> {
  try {
    const { helm } = await findTools(['helm']);
    return MANIFESTS.map((manifest) => ({
      path: `deploy/${manifest.file}`,
      render: async () => await renderManifest(manifest, helm),
    }));
  } catch (error) {
    if (!(error instanceof ToolMissingError)) throw error;
    console.error(`deploy/ was left out: ${error.message}`);
    return [];
  }
}

const isChecking = process.argv.includes('--check');
const different: string[] = [];

// The chart first: what is rendered from it comes after it was written.
for (const { path, render } of [...OUTPUTS, ...(await renderManifests())]) {
  const text = await render();
  if ((await readIfThere(path)) === text) continue;
  different.push(path);
  if (isChecking) continue;
  await mkdir(dirname(join(ROOT, path)), { recursive: true });
  await writeFile(join(ROOT, path), text);
}
// A page whose rule or preset is gone would go on being read.
for (const folder of [CHECK_PAGES, MUTATION_PAGES, PRESET_PAGES]) {
  for (const name of await readdir(join(ROOT, folder)).catch(() => [])) {
    if (OUTPUTS.some(({ path }) => path === `${folder}/${name}`)) continue;
    different.push(`${folder}/${name}`);
    if (!isChecking) await rm(join(ROOT, folder, name));
  }
}

for (const path of different) console.log(`${isChecking ? 'differs: ' : 'written: '}${path}`);
if (isChecking && different.length > 0) {
  console.error('These files are generated: run "npm run generate" and commit what it writes.');
  process.exitCode = 1;
}

async function read(path: string): Promise<string> {
  return await readFile(join(ROOT, path), 'utf8');
}

async function readRun(path: string): Promise<Run> {
  return JSON.parse(await read(path)) as Run;
}

async function readIfThere(path: string): Promise<string | undefined> {
  return await read(path).catch(() => undefined);
}

/** The file with `text` between its markers of this name. */
async function fillIn(path: string, name: string, text: string): Promise<string> {
  const file = await read(path);
  const [start, end] = [`<!-- generated: ${name} -->`, '<!-- /generated -->'];
  const from = file.indexOf(start);
  const to = file.indexOf(end, from);
  if (from === -1 || to === -1) throw new Error(`${path} lacks the markers ${start} and ${end}`);
  return `${file.slice(0, from + start.length)}\n\n${text}\n${file.slice(to)}`;
}
