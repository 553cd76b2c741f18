import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-layers-'));
  for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) cpSync(join(ROOT, name), join(folder, name));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it.each([
  ['objects', 'src/objects/a.ts', 'node:fs'],
  ['objects', 'src/objects/a.ts', '../policy/level.ts'],
  ['objects', 'src/objects/a.ts', 'typebox'],
  ['checks', 'src/checks/a.ts', '../engine/evaluate.ts'],
  ['checks', 'src/checks/a.ts', 'ajv'],
  ['checks', 'src/checks/a.ts', 'node:crypto'],
  ['checks in CEL', 'src/checks/cel/a.ts', '../../policy/level.ts'],
  ['checks in CEL', 'src/checks/cel/a.ts', 'node:fs'],
  ['native', 'src/native/a.ts', '../engine/evaluate.ts'],
  ['native', 'src/native/a.ts', 'yaml'],
  ['imports', 'src/imports/a.ts', '../manifests/locate.ts'],
  ['imports', 'src/imports/a.ts', 'yaml'],
  ['mutations', 'src/mutations/a.ts', '../kube/api.ts'],
  ['injection', 'src/injection/a.ts', '../mutations/registry.ts'],
  ['injection', 'src/injection/a.ts', 'node:fs'],
  ['presets', 'src/presets/a.ts', '../policy/level.ts'],
  ['policy', 'src/policy/a.ts', '../review/entries.ts'],
  ['policy', 'src/policy/a.ts', 'node:fs'],
  ['engine', 'src/engine/a.ts', '../server/app.ts'],
  ['engine', 'src/engine/a.ts', 'pino'],
  ['review', 'src/review/a.ts', 'fastify'],
  ['review', 'src/review/a.ts', '../kube/client.ts'],
  ['manifests', 'src/manifests/a.ts', '../reports/check-table.ts'],
  ['manifests', 'src/manifests/a.ts', 'node:fs'],
  ['audit', 'src/audit/a.ts', '../reports/audit-table.ts'],
  ['cleanup', 'src/cleanup/a.ts', '../reports/cleanup-table.ts'],
  ['audit-log', 'src/audit-log/a.ts', '../kube/api.ts'],
  ['access', 'src/access/a.ts', '../kube/api.ts'],
  ['access', 'src/access/a.ts', '../checks/role-grants.ts'],
  ['access', 'src/access/a.ts', 'node:fs'],
  ['reports', 'src/reports/a.ts', '../cli/check.ts'],
  ['reports', 'src/reports/a.ts', 'node:fs'],
  ['kube', 'src/kube/a.ts', '../engine/evaluate.ts'],
  ['server', 'src/server/a.ts', '../cli/serve.ts'],
])('the lint keeps %s from an import that points up or out: %s ← %s', (_layer, file, imported) => {
  expect(lint(file, imported)).toContain('no-restricted-imports');
});

it.each([
  ['src/checks/a.ts', '../objects/json.ts'],
  ['src/checks/a.ts', 'typebox'],
  ['src/checks/cel/a.ts', '../token-lifetime.ts'],
  ['src/mutations/cel/a.ts', '../../checks/cel/cel-text.ts'],
  ['src/native/a.ts', '../policy/level.ts'],
  ['src/native/a.ts', '../checks/registry.ts'],
  ['src/mutations/a.ts', '../injection/plan.ts'],
  ['src/injection/a.ts', 'yaml'],
  ['src/injection/a.ts', '../presets/format.ts'],
  ['src/policy/a.ts', 'ajv'],
  ['src/engine/a.ts', '../policy/level.ts'],
  ['src/review/a.ts', '../errors.ts'],
  ['src/server/a.ts', '../review/entries.ts'],
  ['src/manifests/a.ts', '../engine/evaluate.ts'],
  ['src/manifests/a.ts', 'yaml'],
  ['src/reports/a.ts', '../manifests/check-manifests.ts'],
  ['src/audit/a.ts', '../kube/api.ts'],
  ['src/audit/a.ts', '../access/analyze.ts'],
  ['src/access/a.ts', '../objects/rbac/rules.ts'],
  ['src/cleanup/a.ts', '../policy/exemption.ts'],
])('and lets through one that points down: %s ← %s', (file, imported) => {
  expect(lint(file, imported)).not.toContain('no-restricted-imports');
});

/** What the lint says of a file with this one import. */
function lint(file: string, imported: string): string {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), `import { a } from '${imported}';\nexport const b = a;\n`);
  const oxlint = join(ROOT, 'node_modules', '.bin', 'oxlint');
  return spawnSync(oxlint, ['--format=unix', 'src'], { cwd: folder, encoding: 'utf8' }).stdout;
}
