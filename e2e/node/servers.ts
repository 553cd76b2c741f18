/** The servers of a cluster with a node, in the order in which they start, and their flags. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../../scripts/run-program.ts';
import type { ToolName } from '../../scripts/tools.ts';
import { asArray, member, valueAt } from '../../src/objects/json.ts';
import { isAnswering, readApi } from '../api-request.ts';
import { apiServerArgs, controllerManagerArgs, etcdArgs, type StateFiles } from '../control-plane-state.ts';
import { ctrArgs, writeRuntimeConfiguration } from './container-runtime.ts';
import { API_SERVER, type Layout, NODE, POD_NETWORK } from './layout.ts';

/** The programs that Go builds. */
export const NODE_TOOLS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'kubelet',
  'kubectl',
] as const satisfies readonly ToolName[];

export type NodeTools = Readonly<Record<(typeof NODE_TOOLS)[number], string>>;

export type Server = {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  isReady(): Promise<boolean>;
};

/** They have a network namespace for themselves, so their usual ports are free. */
const PORTS = { etcd: 2379, etcdPeer: 2380, apiServer: 6443, controllerManager: 10_257, scheduler: 10_259 };

export type Given = {
  readonly layout: Layout;
  readonly files: StateFiles;
  readonly tools: NodeTools;
  readonly moreApiServerArgs: readonly string[];
};

/** Writes the configuration files that the servers read, and lists the servers. */
export async function prepareServers({ layout, files, tools, moreApiServerArgs }: Given): Promise<readonly Server[]> {
  const { node } = files.certificates;
  if (node === undefined) throw new Error('the certificates are not those of a cluster with a node');
  const configFor = async (name: string, user: typeof node.kubelet) =>
    await files.writeKubeconfig(`${name}.kubeconfig`, API_SERVER, user);
  await files.writeKubeconfig('admin.kubeconfig', API_SERVER, files.certificates.admin);
  const [manager, scheduler, proxy, kubelet] = await Promise.all([
    configFor('controller-manager', files.certificates.controllerManager),
    configFor('scheduler', node.scheduler),
    configFor('proxy', node.proxy),
    configFor('kubelet', node.kubelet),
  ]);
  const kubeletConfig = await writeKubeletConfiguration(layout, files);
  const containerdConfig = await writeRuntimeConfiguration(layout);

  return [
    {
      name: 'etcd',
      file: tools.etcd,
      args: etcdArgs(layout.folder, PORTS.etcd, PORTS.etcdPeer),
      isReady: async () => await isAnswering(`http://127.0.0.1:${PORTS.etcd}/health`),
    },
    {
      name: 'kube-apiserver',
      file: tools['kube-apiserver'],
      args: [
        ...apiServerArgs(files, PORTS.apiServer, PORTS.etcd),
        '--bind-address=0.0.0.0',
        `--advertise-address=${NODE.address}`,
        '--endpoint-reconciler-type=lease',
        `--kubelet-client-certificate=${files.adminCertificate}`,
        `--kubelet-client-key=${files.adminKey}`,
        '--kubelet-preferred-address-types=InternalIP',
        ...moreApiServerArgs,
      ],
      isReady: async () => await isAnswering(`${API_SERVER}/readyz`, files),
    },
    {
      name: 'kube-controller-manager',
      file: tools['kube-controller-manager'],
      args: controllerManagerArgs(files, manager, PORTS.controllerManager),
      isReady: async () => await isAnswering(`https://127.0.0.1:${PORTS.controllerManager}/healthz`, files),
    },
    {
      name: 'kube-scheduler',
      file: tools['kube-scheduler'],
      args: [
        `--kubeconfig=${scheduler}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${PORTS.scheduler}`,
        `--tls-cert-file=${files.serverCertificate}`,
        `--tls-private-key-file=${files.serverKey}`,
        '--leader-elect=false',
      ],
      isReady: async () => await isAnswering(`https://127.0.0.1:${PORTS.scheduler}/healthz`, files),
    },
    {
      name: 'containerd',
      file: 'containerd',
      args: ['--config', containerdConfig],
      isReady: async () => await isContainerdReady(layout),
    },
    {
      name: 'kubelet',
      file: tools.kubelet,
      args: [
        `--config=${kubeletConfig}`,
        `--kubeconfig=${kubelet}`,
        `--node-ip=${NODE.address}`,
        `--hostname-override=${NODE.name}`,
        `--root-dir=${join(layout.node, 'kubelet')}`,
        `--cert-dir=${join(layout.node, 'kubelet-pki')}`,
      ],
      isReady: async () => await isNodeReady(files),
    },
    {
      name: 'kube-proxy',
      file: tools['kube-proxy'],
      args: [
        `--kubeconfig=${proxy}`,
        `--hostname-override=${NODE.name}`,
        '--proxy-mode=nftables',
        `--cluster-cidr=${POD_NETWORK}`,
        // Pods of one bridge answer each other past the node, which would lose the translation of a Service's address.
        '--masquerade-all',
        '--conntrack-max-per-core=0',
        '--conntrack-min=0',
      ],
      isReady: async () => await isAnswering('http://127.0.0.1:10256/healthz'),
    },
  ];
}

async function writeKubeletConfiguration(layout: Layout, files: StateFiles): Promise<string> {
  const staticPods = join(layout.folder, 'static-pods');
  await mkdir(staticPods, { recursive: true });
  const path = join(layout.node, 'kubelet.json');
  await writeFile(
    path,
    JSON.stringify({
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      authentication: {
        anonymous: { enabled: false },
        webhook: { enabled: true },
        x509: { clientCAFile: files.authority },
      },
      authorization: { mode: 'Webhook' },
      containerRuntimeEndpoint: `unix://${layout.socket}`,
      staticPodPath: staticPods,
      // Nobody answers there: names of Services are not looked up, addresses are used.
      clusterDNS: ['10.0.0.10'],
      clusterDomain: 'cluster.local',
      // A changed ConfigMap reaches its pods in seconds; in a minute by default.
      syncFrequency: '5s',
      podLogsDir: join(layout.node, 'pod-logs'),
      // On a machine that is a container itself there is no systemd, often cgroup v1, and no quota to enforce.
      cgroupDriver: 'cgroupfs',
      cgroupsPerQOS: false,
      enforceNodeAllocatable: [],
      failCgroupV1: false,
      failSwapOn: false,
      localStorageCapacityIsolation: false,
      evictionHard: {
        'memory.available': '10Mi',
        'nodefs.available': '0%',
        'nodefs.inodesFree': '0%',
        'imagefs.available': '0%',
        'imagefs.inodesFree': '0%',
      },
    }),
  );
  return path;
}

async function isContainerdReady(layout: Layout): Promise<boolean> {
  return (await runProgram('ctr', ctrArgs(layout, 'version'), { timeoutMs: 5_000 })).code === 0;
}

async function isNodeReady(files: StateFiles): Promise<boolean> {
  const { status, body } = await readApi(`${API_SERVER}/api/v1/nodes/${NODE.name}`, files);
  if (status !== 200) return false;
  const conditions = asArray(valueAt(JSON.parse(body), ['status', 'conditions']));
  return conditions.some(
    (condition) => member(condition, 'type') === 'Ready' && member(condition, 'status') === 'True',
  );
}
