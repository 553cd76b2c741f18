/**
 * The outside tools Curfew's tests and scripts use, and where their pinned versions stand.
 *
 * A version is written once, in the go.mod of a folder under `tools/`; everything else reads it from there, so that
 * one `go get` moves the build, the cache folder and the version checks together.
 */

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export type ToolName =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kube-proxy'
  | 'kubelet'
  | 'kubectl'
  | 'helm'
  | 'helm3'
  | 'kind';

/** One tool: what to build, and the name of the file that `go build` writes and we keep. */
export type Tool = {
  readonly name: ToolName;
  /** Folder below `tools/` that holds the go.mod; `kubernetes` is that of the default version. */
  readonly folder: string;
  /** Package to build. */
  readonly package: string;
  /** File name that `go build -o FOLDER/` gives the binary: the last element of the package, major version aside. */
  readonly builtAs: string;
  /** File name in the cache. */
  readonly file: string;
  /** What a person installs in place of a build; ends the sentence of a missing tool. */
  readonly instead: string;
};

/** One folder below `tools/`: a Go module whose go.mod pins one version. */
export type ToolModule = {
  readonly folder: string;
  /** Module path whose required version names the tools' version. */
  readonly pins: string;
  /** Minutes that a build with an empty Go cache takes on 2 cores, as a person would say it. */
  readonly coldMinutes: string;
  /** Linker flags that tell the binary its version; without them kube-apiserver calls itself v0.0.0-master. */
  readonly linkerFlags: (version: string) => readonly string[];
  /** Raised when the flags of a version change: what was built with the old ones must not be found any more. */
  readonly revision?: number;
  /** The cache's word for it before the version; by default the folder. */
  readonly cachedAs?: string;
};

/** A pinned version and the oldest Go that builds it. */
export type Pin = { readonly version: string; readonly go: string };

const CONTROL_PLANE_INSTEAD =
  'put the binaries of envtest into a folder and name it in KUBEBUILDER_ASSETS, or install Docker and run the suite on kind';

export const TOOLS: readonly Tool[] = [
  {
    name: 'etcd',
    folder: 'etcd',
    package: 'go.etcd.io/etcd/server/v3',
    builtAs: 'server',
    file: 'etcd',
    instead: CONTROL_PLANE_INSTEAD,
  },
  ...(['kube-apiserver', 'kube-controller-manager'] as const).map((name) => ({
    name,
    folder: 'kubernetes',
    package: `k8s.io/kubernetes/cmd/${name}`,
    builtAs: name,
    file: name,
    instead: CONTROL_PLANE_INSTEAD,
  })),
  // Built for a cluster with a node only; nothing of a user's own stands in for them.
  ...(['kube-scheduler', 'kube-proxy', 'kubelet'] as const).map((name) => ({
    name,
    folder: 'kubernetes',
    package: `k8s.io/kubernetes/cmd/${name}`,
    builtAs: name,
    file: name,
    instead: 'use a machine with Docker and kind',
  })),
  {
    name: 'kubectl',
    folder: 'kubernetes',
    package: 'k8s.io/kubernetes/cmd/kubectl',
    builtAs: 'kubectl',
    file: 'kubectl',
    instead: 'put a kubectl within one minor version of the control plane into PATH',
  },
  {
    name: 'helm',
    folder: 'helm4',
    package: 'helm.sh/helm/v4/cmd/helm',
    builtAs: 'helm',
    file: 'helm',
    instead: 'put Helm 4 into PATH',
  },
  {
    name: 'helm3',
    folder: 'helm3',
    package: 'helm.sh/helm/v3/cmd/helm',
    builtAs: 'helm',
    file: 'helm',
    instead: 'put Helm 3 into PATH',
  },
  {
    name: 'kind',
    folder: 'kind',
    package: 'sigs.k8s.io/kind',
    builtAs: 'kind',
    file: 'kind',
    instead: 'put kind into PATH',
  },
];

/** The versions of Kubernetes on which the suite is run, oldest first; each is pinned in `tools/kubernetes-<minor>`. */
const KUBERNETES_MINORS = ['1.33', '1.36', '1.37'] as const;

/** The one that everything runs on if CURFEW_KUBERNETES asks for no other. */
const DEFAULT_KUBERNETES: (typeof KUBERNETES_MINORS)[number] = '1.37';

/** The word for the default version in the table of tools. */
const KUBERNETES = 'kubernetes';

const MODULES: readonly ToolModule[] = [
  { folder: 'etcd', pins: 'go.etcd.io/etcd/server/v3', coldMinutes: '1 minute', linkerFlags: () => [] },
  ...[KUBERNETES, ...KUBERNETES_MINORS.map(toKubernetesFolder)].map((folder) => ({
    folder,
    pins: 'k8s.io/kubernetes',
    coldMinutes: '6 to 8 minutes',
    linkerFlags: toVersionFlags,
    cachedAs: KUBERNETES,
  })),
  {
    folder: 'helm4',
    pins: 'helm.sh/helm/v4',
    coldMinutes: '1 to 2 minutes',
    linkerFlags: (version) => [`-X helm.sh/helm/v4/internal/version.version=${version}`],
  },
  {
    folder: 'helm3',
    pins: 'helm.sh/helm/v3',
    coldMinutes: '1 to 2 minutes',
    linkerFlags: (version) => [
      `-X helm.sh/helm/v3/internal/version.version=${version}`,
      ...['chartutil', 'lint/rules'].flatMap(toKubernetesFlags),
    ],
    revision: 2,
  },
  { folder: 'kind', pins: 'sigs.k8s.io/kind', coldMinutes: '1 minute', linkerFlags: () => [] },
];

/**
 * What Helm's own Makefile tells a package of Helm 3: the Kubernetes that its client-go belongs to, 1.37 for v0.37.
 * Without it Helm 3 renders and lints for Kubernetes 1.20 where there is no cluster to ask; Helm 4 finds out by itself.
 */
function toKubernetesFlags(name: string): readonly string[] {
  const { minor } = parseVersion(readRequirement('helm3', 'k8s.io/client-go').version);
  const path = `helm.sh/helm/v3/pkg/${name}`;
  return [`-X ${path}.k8sVersionMajor=1`, `-X ${path}.k8sVersionMinor=${minor}`];
}

/** The packages that tell clients and servers which version they are. */
function toVersionFlags(version: string): readonly string[] {
  const { major, minor } = parseVersion(version);
  return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((path) => [
    `-X ${path}.gitVersion=${version}`,
    `-X ${path}.gitMajor=${major}`,
    `-X ${path}.gitMinor=${minor}`,
  ]);
}

/** Every version of Kubernetes that is pinned, such as 1.36; oldest first. */
export function listKubernetes(): readonly string[] {
  return KUBERNETES_MINORS;
}

/** The folder of the version that `CURFEW_KUBERNETES` asks for, such as 1.33; the default one if it asks for none. */
export function kubernetesFolder(env: NodeJS.ProcessEnv): string {
  const asked = env['CURFEW_KUBERNETES'] || DEFAULT_KUBERNETES;
  const found = KUBERNETES_MINORS.find((minor) => minor === asked);
  if (found !== undefined) return toKubernetesFolder(found);
  throw new Error(`CURFEW_KUBERNETES is "${asked}"; pinned in tools/ are ${KUBERNETES_MINORS.join(', ')}.`);
}

function toKubernetesFolder(minor: string): string {
  return `${KUBERNETES}-${minor}`;
}

/** The row of `name` in the table of tools, of the version of Kubernetes that `env` asks for. */
export function toolFor(name: ToolName, env: NodeJS.ProcessEnv): Tool {
  const tool = toolNamed(name);
  return tool.folder === KUBERNETES ? { ...tool, folder: kubernetesFolder(env) } : tool;
}

/** The row of `name` in the table of tools. */
export function toolNamed(name: ToolName): Tool {
  const tool = TOOLS.find((candidate) => candidate.name === name);
  if (tool === undefined) throw new Error(`There is no tool "${name}" in scripts/tool-versions.ts.`);
  return tool;
}

/** The Go module that pins and builds the tools of `folder`. */
export function moduleOf(folder: string): ToolModule {
  const found = MODULES.find((candidate) => candidate.folder === folder);
  if (found === undefined) throw new Error(`There is no tool module "${folder}" in scripts/tool-versions.ts.`);
  return found;
}

/** The absolute path of a folder below `tools/`; that of `kubernetes` is the default version's. */
export function moduleFolder(folder: string): string {
  return resolve(
    import.meta.dirname,
    '../tools',
    folder === KUBERNETES ? toKubernetesFolder(DEFAULT_KUBERNETES) : folder,
  );
}

/** The version that `tools/<folder>/go.mod` pins, and the Go it asks for. */
export function readPin(folder: string): Pin {
  return readRequirement(folder, moduleOf(folder).pins);
}

function readRequirement(folder: string, modulePath: string): Pin {
  return parseGoMod(readFileSync(join(moduleFolder(folder), 'go.mod'), 'utf8'), modulePath);
}

/** The required version of `modulePath`, and the `go` line, in the text of a go.mod. */
export function parseGoMod(text: string, modulePath: string): Pin {
  let version: string | undefined;
  let go: string | undefined;
  for (const line of text.split('\n')) {
    // A replace line holds an arrow: it names a source, not the version that is asked for.
    const words = line.includes('=>')
      ? []
      : line
          .trim()
          .replace(/^require\s+/, '')
          .split(/\s+/);
    if (words[0] === modulePath && words[1]?.startsWith('v')) version = words[1];
    if (words[0] === 'go' && words[1] !== undefined) go = words[1];
  }
  if (version === undefined) throw new Error(`The go.mod does not require ${modulePath}.`);
  if (go === undefined) throw new Error(`The go.mod that requires ${modulePath} has no go line.`);
  return { version, go };
}

/** Major and minor of the first `1.36`, `v4.3.1` or `go1.26.8` in `text`. */
export function parseVersion(text: string): { readonly major: number; readonly minor: number } {
  const found = /(\d+)\.(\d+)/.exec(text);
  if (found === null) throw new Error(`There is no version in "${text.trim()}".`);
  return { major: Number(found[1]), minor: Number(found[2]) };
}
