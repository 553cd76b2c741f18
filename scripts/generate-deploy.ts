/** `deploy/`: the chart rendered once more, for clusters that are kept by kubectl and not by Helm. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GENERATED } from './generate-markdown.ts';
import { mustRun } from './run-program.ts';

const CHART = join(import.meta.dirname, '..', 'charts', 'curfew');
const NAMESPACE = 'curfew-system';
/** A template may ask for it; the chart's own do not, and offline Helm 3 would assume one below the floor. */
const KUBERNETES = '1.36.0';

export type Manifest = {
  readonly file: string;
  /** `helm template --set` of each. */
  readonly settings: readonly string[];
  readonly purpose: string;
};

export const MANIFESTS: readonly Manifest[] = [
  {
    file: 'curfew-audit.yaml',
    settings: ['config.dryRun=true'],
    purpose: 'Curfew in audit mode: nothing is denied or changed, and every entry fails open. Start with this one.',
  },
  { file: 'curfew.yaml', settings: [], purpose: 'Curfew as the chart installs it by default: enforced at baseline.' },
];

export type AlertFile = { readonly file: string; readonly from: string; readonly purpose: string };

/** The alerts of the chart as rule files, for a Prometheus without the operator. */
export const ALERT_FILES: readonly AlertFile[] = [
  { file: 'prometheus-curfew.yaml', from: 'alerts.yaml', purpose: 'Alerts on Curfew itself, for two replicas.' },
  {
    file: 'prometheus-token-use.yaml',
    from: 'token-use-alerts.yaml',
    purpose: 'Alerts on the use of service account tokens: counted by the API server, one by Curfew.',
  },
];

export async function renderAlerts({ from, purpose }: AlertFile): Promise<string> {
  const text = await readFile(join(CHART, 'files', from), 'utf8');
  return [`# ${GENERATED} From charts/curfew/files/${from}.`, `# ${purpose}`, text].join('\n');
}

/** One file of `deploy/`, rendered by this Helm. */
export async function renderManifest({ file, settings, purpose }: Manifest, helm: string): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'curfew-helm-'));
  try {
    const args = ['template', 'curfew', CHART, '--namespace', NAMESPACE, '--skip-tests', '--kube-version', KUBERNETES];
    // Helm's own settings and plugins stay out.
    const env = { PATH: process.env['PATH'], HOME: home };
    const rendered = await mustRun(helm, [...args, ...settings.flatMap((setting) => ['--set', setting])], { env });
    return [
      `# ${GENERATED} From charts/curfew, by helm template.`,
      `# ${purpose}`,
      '#',
      `#     kubectl apply -f ${file}`,
      '#',
      '# Put your own image in place of the one below first. To turn it all off at once:',
      '#     kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration curfew',
      ...namespaceLines(),
      // Nobody but Helm may be said to look after these.
      rendered.replaceAll(/^ *app\.kubernetes\.io\/managed-by: Helm\n/gm, '').trimStart(),
    ].join('\n');
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function namespaceLines(): readonly string[] {
  return [
    '---',
    'apiVersion: v1',
    'kind: Namespace',
    'metadata:',
    `  name: ${NAMESPACE}`,
    '  labels:',
    '    app.kubernetes.io/name: curfew',
    '    pod-security.kubernetes.io/enforce: restricted',
  ];
}
