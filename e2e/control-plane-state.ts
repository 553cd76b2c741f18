/** The files and flags of the embedded control plane. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import {
  type ClusterCertificates,
  issueClusterCertificates,
  type KeyPair,
  type NodeIdentity,
} from './cluster-certificates.ts';

export type StateFiles = {
  readonly certificates: ClusterCertificates;
  readonly authority: string;
  readonly serverCertificate: string;
  readonly serverKey: string;
  readonly adminCertificate: string;
  readonly adminKey: string;
  readonly serviceAccountKey: string;
  readonly serviceAccountPublicKey: string;
  readonly auditPolicy: string;
  readonly auditLog: string;
  /** Writes a kubeconfig that needs no other file; the path. */
  writeKubeconfig(name: string, server: string, user: KeyPair): Promise<string>;
};

/** Admission's annotations are in Metadata already; reads would bury the few events that tests look for. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'None', verbs: ['get', 'list', 'watch'] }, { level: 'Metadata' }],
};

/** Writes certificates, keys and the audit policy into `folder`. */
export async function writeState(folder: string, identity?: NodeIdentity): Promise<StateFiles> {
  const certificates = await issueClusterCertificates(identity);
  const pki = join(folder, 'pki');
  await mkdir(pki);
  const { authority, server, admin, serviceAccounts } = certificates;
  return {
    certificates,
    authority: await write(join(pki, 'ca.crt'), authority.certificate),
    serverCertificate: await write(join(pki, 'server.crt'), server.certificate),
    serverKey: await write(join(pki, 'server.key'), server.privateKey),
    adminCertificate: await write(join(pki, 'admin.crt'), admin.certificate),
    adminKey: await write(join(pki, 'admin.key'), admin.privateKey),
    serviceAccountKey: await write(join(pki, 'service-accounts.key'), serviceAccounts.privateKey),
    serviceAccountPublicKey: await write(join(pki, 'service-accounts.pub'), serviceAccounts.publicKey),
    auditPolicy: await write(join(folder, 'audit-policy.yaml'), stringify(AUDIT_POLICY)),
    auditLog: join(folder, 'audit.log'),
    writeKubeconfig: (name, url, user) =>
      write(join(folder, name), stringify(kubeconfig(url, authority.certificate, user), { lineWidth: 0 })),
  };
}

/** Flags of etcd. Its data may be lost with the machine, so it never waits for a disk. */
export function etcdArgs(folder: string, clientPort: number, peerPort: number): readonly string[] {
  // A second try on other ports starts with a folder of its own.
  const client = `http://127.0.0.1:${clientPort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  return [
    '--name=curfew-test',
    `--data-dir=${join(folder, `etcd-${clientPort}`)}`,
    '--unsafe-no-fsync',
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=curfew-test=${peer}`,
    '--log-level=warn',
  ];
}

/** Flags of kube-apiserver. */
export function apiServerArgs(files: StateFiles, port: number, etcdPort: number): readonly string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    // There is no network of Services: nothing may try to publish this server as endpoint 127.0.0.1.
    '--endpoint-reconciler-type=none',
    '--service-cluster-ip-range=10.0.0.0/24',
    `--tls-cert-file=${files.serverCertificate}`,
    `--tls-private-key-file=${files.serverKey}`,
    `--client-ca-file=${files.authority}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${files.serviceAccountPublicKey}`,
    `--service-account-signing-key-file=${files.serviceAccountKey}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    // A webhook's Service is resolved to its endpoints, which a test may point at a local process.
    '--enable-aggregator-routing=true',
    `--audit-policy-file=${files.auditPolicy}`,
    `--audit-log-path=${files.auditLog}`,
    // An event is written before its request is answered, so a test never has to wait for it.
    '--audit-log-mode=blocking',
    // Open watches of clients would hold up a stop or restart for many seconds.
    '--shutdown-watch-termination-grace-period=1s',
    '--profiling=false',
  ];
}

/** Flags of kube-controller-manager: default service accounts, legacy token Secrets, garbage collection. */
export function controllerManagerArgs(files: StateFiles, kubeconfigPath: string, port: number): readonly string[] {
  return [
    `--kubeconfig=${kubeconfigPath}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--tls-cert-file=${files.serverCertificate}`,
    `--tls-private-key-file=${files.serverKey}`,
    '--leader-elect=false',
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${files.serviceAccountKey}`,
    `--root-ca-file=${files.authority}`,
    // At its usual 20 requests a second it takes 4 s longer to start.
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
    '--profiling=false',
  ];
}

async function write(path: string, text: string): Promise<string> {
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

function toBase64(pem: string): string {
  return Buffer.from(pem).toString('base64');
}

function kubeconfig(server: string, authority: string, user: KeyPair): object {
  const name = 'curfew-test';
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': toBase64(authority) } }],
    users: [
      {
        name,
        user: {
          'client-certificate-data': toBase64(user.certificate),
          'client-key-data': toBase64(user.privateKey),
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
}
