/** containerd for one node: its configuration, the network of its pods, and images made on the spot. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeImageArchive } from '../../scripts/image-archive.ts';
import { runProgram } from '../../scripts/run-program.ts';
import type { Layout } from './layout.ts';
import { POD_NETWORK } from './layout.ts';

/** What holds a pod's namespaces; there is no registry to take the usual one from. */
const PAUSE_IMAGE = 'curfew.dev/pause:1';

/** Busybox in an image of its own, for pods of tests. */
export const BUSYBOX_IMAGE = 'curfew.dev/busybox:1';

/** Debian's busybox-static. */
export const BUSYBOX = '/bin/busybox';
export const CNI_PLUGINS = '/usr/lib/cni';

/** Writes containerd's configuration and the network's; the path of the first. */
export async function writeRuntimeConfiguration(layout: Layout): Promise<string> {
  const network = join(layout.node, 'cni');
  await mkdir(network, { recursive: true });
  await writeFile(join(network, '10-curfew.conflist'), JSON.stringify(toNetwork(layout)));
  const path = join(layout.node, 'containerd.toml');
  await writeFile(path, toRuntime(layout, network));
  return path;
}

/** The apparmor and rlimit switches are for machines that are containers themselves. */
function toRuntime({ node, socket }: Layout, network: string): string {
  return `version = 2
root = "${node}/containerd"
state = "${node}/containerd-state"
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${CNI_PLUGINS}"
    conf_dir = "${network}"
`;
}

function toNetwork({ node }: Layout): object {
  const ipam = {
    type: 'host-local',
    dataDir: join(node, 'addresses'),
    ranges: [[{ subnet: POD_NETWORK }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  return {
    cniVersion: '0.4.0',
    name: 'curfew',
    plugins: [{ type: 'bridge', bridge: 'pods0', isGateway: true, hairpinMode: true, ipam }],
  };
}

/** Arguments of `ctr` for this containerd; images of pods are in its namespace k8s.io. */
export function ctrArgs(layout: Layout, ...args: readonly string[]): readonly string[] {
  return ['--address', layout.socket, '--namespace', 'k8s.io', ...args];
}

/** Makes the images that every cluster has, and loads them. */
export async function loadOwnImages(layout: Layout): Promise<void> {
  const scratch = await mkdtemp(join(layout.node, 'images-'));
  try {
    for (const [name, command] of [
      [PAUSE_IMAGE, ['/bin/sleep', '2147483647']],
      [BUSYBOX_IMAGE, ['/bin/sh']],
    ] as const) {
      const archive = await writeBusyboxImage(scratch, name, command);
      const { code, stderr } = await runProgram('ctr', ctrArgs(layout, 'images', 'import', archive));
      if (code !== 0) throw new Error(`containerd did not take the image ${name}: ${stderr.trim()}`);
    }
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** Busybox and a name for each of its applets that tests use. */
async function writeBusyboxImage(scratch: string, name: string, command: readonly string[]): Promise<string> {
  const applets = ['sh', 'cat', 'sleep', 'ls', 'nc', 'id', 'date', 'base64', 'cut', 'stat', 'env', 'grep', 'wc'];
  return await writeImageArchive(scratch, name, {
    contents: {
      files: [['bin/busybox', BUSYBOX]],
      links: applets.map((applet) => [`bin/${applet}`, 'busybox'] as const),
      texts: { 'etc/passwd': 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' },
      folders: ['tmp'],
    },
    config: { Env: ['PATH=/bin'], Entrypoint: command },
  });
}
