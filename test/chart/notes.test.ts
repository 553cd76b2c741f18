/** What Helm prints after an installation, whole. */

import { beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../scripts/run-program.ts';
import { CHART, findHelms } from './rendering.ts';

let helm = '';
beforeAll(async () => {
  ({ helm } = await findHelms());
});

describe('The notes', () => {
  it.each<[string, { readonly settings?: readonly string[]; readonly namespace?: string }]>([
    ['default-values', {}],
    ['audit-mode', { settings: ['config.dryRun=true'] }],
    ['applied-everywhere', { settings: ['config.mutateMode=apply', 'config.levels.enforce=restricted'] }],
    ['secret-index', { settings: ['config.secretIndex=true', 'fullnameOverride=token-guard'] }],
    ['emergency', { settings: ['failurePolicy=Ignore'] }],
    ['published-by-the-chart', { settings: ['certificates.mode=certManager', 'webhook.publishedBy=chart'] }],
    ['native', { settings: ['engine=native'] }],
    ['native-in-audit-mode', { settings: ['engine=native', 'config.dryRun=true'] }],
    ['both', { settings: ['engine=both', 'failurePolicy=Ignore'] }],
    ['both-in-audit-mode', { settings: ['engine=both', 'config.dryRun=true'] }],
    ['in-default', { namespace: 'default' }],
  ])('say what is in force and what to do next: %s', async (name, { settings = [], namespace = 'curfew-system' }) => {
    const set = settings.flatMap((setting) => ['--set', setting]);
    const args = ['install', 'curfew', CHART, '--namespace', namespace, '--dry-run=client', ...set];
    const env = { ...process.env, KUBECONFIG: '/dev/null' };
    const { stdout, stderr } = await runProgram(helm, args, { env });
    const notes = stdout.split('\nNOTES:\n')[1] ?? stderr;
    await expect(notes).toMatchFileSnapshot(`golden/notes-${name}.txt`);
    // Lines of commands may be longer: they are pasted.
    expect(notes.split('\n').filter((line) => line.length > 120 && !line.startsWith('  '))).toEqual([]);
  });
});
