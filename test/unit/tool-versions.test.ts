import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cachedPath } from '../../scripts/build-tools.ts';
import { moduleFolder, moduleOf, parseGoMod, readPin, toolNamed } from '../../scripts/tool-versions.ts';

test.each(['chartutil', 'lint/rules'])('%s of Helm 3 is told the Kubernetes of its client-go', (name) => {
  const goMod = readFileSync(join(moduleFolder('helm3'), 'go.mod'), 'utf8');
  const minor = parseGoMod(goMod, 'k8s.io/client-go').version.split('.')[1];
  const flags = moduleOf('helm3').linkerFlags('v3.22.0');
  expect(flags).toContain('-X helm.sh/helm/v3/internal/version.version=v3.22.0');
  expect(flags).toContain(`-X helm.sh/helm/v3/pkg/${name}.k8sVersionMajor=1`);
  expect(flags).toContain(`-X helm.sh/helm/v3/pkg/${name}.k8sVersionMinor=${minor}`);
});

test.each([
  ['helm', 'helm4', ''],
  ['helm3', 'helm3', '-2'],
] as const)('%s is cached by its version and the revision of its flags', (name, folder, revision) => {
  const { version } = readPin(folder);
  expect(cachedPath(toolNamed(name), '/cache')).toMatch(`/cache/${folder}-${version}${revision}/`);
});
