/** containerd for one node: its configuration, the network of its pods, and images made on the spot. */

import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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

/** An image of one layer in the form of `docker save`; the path of the archive. */
async function writeBusyboxImage(scratch: string, name: string, command: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(scratch, 'image-'));
  const root = join(folder, 'root');
  for (const path of ['bin', 'etc', 'tmp']) await mkdir(join(root, path), { recursive: true });
  await copyFile(BUSYBOX, join(root, 'bin/busybox'));
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n');
  for (const applet of ['sh', 'cat', 'sleep', 'ls', 'nc', 'id', 'date', 'base64', 'cut', 'stat', 'env', 'grep']) {
    await must('ln', ['-s', 'busybox', join(root, 'bin', applet)]);
  }
  await must('tar', ['--owner=0', '--group=0', '-C', root, '-cf', join(folder, 'layer.tar'), '.']);
  const digest = (await must('sha256sum', [join(folder, 'layer.tar')])).slice(0, 64);
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: { Env: ['PATH=/bin'], Entrypoint: command },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }];
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
  const archive = join(folder, 'image.tar');
  await must('tar', ['-C', folder, '-cf', archive, 'manifest.json', 'config.json', 'layer.tar']);
  return archive;
}

async function must(file: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(file, args);
  if (code !== 0) throw new Error(`${file} ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}
