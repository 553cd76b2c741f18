import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cachedPath } from '../../scripts/build-tools.ts';
import {
  kubernetesFolder,
  listKubernetes,
  moduleFolder,
  moduleOf,
  parseGoMod,
  readPin,
  toolFor,
  toolNamed,
} from '../../scripts/tool-versions.ts';

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

test('the versions of Kubernetes are pinned in folders of their own, and cached side by side', () => {
  expect(readPin(kubernetesFolder({}))).toEqual(readPin('kubernetes'));
  expect(listKubernetes()).toEqual(listKubernetes().toSorted());
  for (const minor of listKubernetes()) {
    const env = { CURFEW_KUBERNETES: minor };
    const folder = kubernetesFolder(env);
    const { version } = readPin(folder);
    expect(version).toMatch(`v${minor}.`);
    expect(cachedPath(toolFor('kube-apiserver', env), '/cache')).toBe(`/cache/kubernetes-${version}/kube-apiserver`);
    expect(toolFor('etcd', env).folder).toBe('etcd');
    // A module of Kubernetes takes its parts from modules of the same version.
    const goMod = readFileSync(join(moduleFolder(folder), 'go.mod'), 'utf8');
    for (const name of ['kube-apiserver', 'kube-controller-manager', 'kubectl'] as const)
      expect(goMod.split(/\s+/)).toContain(toolNamed(name).package);
    const parts = [...goMod.matchAll(/^\t(k8s\.io\/\S+) => \1 (\S+)$/gm)].map(([, , part]) => part);
    expect(parts.length).toBeGreaterThan(25);
    expect(new Set(parts)).toEqual(new Set([version.replace('v1.', 'v0.')]));
  }
});

test('a version that is not pinned is refused with those that are', () => {
  expect(() => kubernetesFolder({ CURFEW_KUBERNETES: '1.20' })).toThrow(
    'CURFEW_KUBERNETES is "1.20"; pinned in tools/ are 1.33, 1.36, 1.37.',
  );
});
