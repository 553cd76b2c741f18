/** The certificates and keys of one throwaway cluster: one authority, elliptic curves, valid for a day. */

import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { generate } from 'selfsigned';

/** A certificate and its private key, both PEM. */
export type KeyPair = { readonly certificate: string; readonly privateKey: string };

export type ClusterCertificates = {
  /** Signs all the others; clients and servers trust it. */
  readonly authority: KeyPair;
  /** Serves on 127.0.0.1, localhost and the names of the Service `kubernetes`. */
  readonly server: KeyPair;
  /** Group system:masters: may do anything. */
  readonly admin: KeyPair;
  /** User system:kube-controller-manager. */
  readonly controllerManager: KeyPair;
  /** For a cluster with a node only. */
  readonly node: NodeCertificates | undefined;
  /** Signs service account tokens (RS256, as on most clusters). PEM. */
  readonly serviceAccounts: { readonly privateKey: string; readonly publicKey: string };
};

export type NodeCertificates = {
  /** User system:node:NAME of group system:nodes. */
  readonly kubelet: KeyPair;
  readonly scheduler: KeyPair;
  readonly proxy: KeyPair;
};

/** What a node is called, and its IPv4 address, which the API server is reached at too. */
export type NodeIdentity = { readonly name: string; readonly address: string };

type Subject = readonly { readonly shortName: 'CN' | 'O'; readonly value: string }[];

type Issue = {
  readonly subject: Subject;
  readonly usage: 'serverAuth' | 'clientAuth';
  readonly names?: readonly (
    | { readonly type: 2; readonly value: string }
    | { readonly type: 7; readonly ip: string }
  )[];
};

const VALID_FOR_MS = 24 * 60 * 60 * 1000;
/** A clock that is set back a little must not make a fresh certificate invalid. */
const BACKDATED_MS = 5 * 60 * 1000;

/** Makes every certificate and key that the control plane needs, and its node if it has one. */
export async function issueClusterCertificates(identity?: NodeIdentity): Promise<ClusterCertificates> {
  const serviceAccounts = issueServiceAccountKeys();
  // selfsigned's defaults are RSA and SHA-1; and it reads the signing key as the kind that the leaf's key is.
  const root = await generate(
    // A unique name: with two authorities of one name in a bundle, OpenSSL's clients look at the first only.
    [{ shortName: 'CN', value: `curfew-test-${randomBytes(6).toString('hex')}` }],
    {
      ...validity(),
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, digitalSignature: true, critical: true },
      ],
    },
  );
  const authority = { certificate: root.cert, privateKey: root.private };
  const [server, admin, controllerManager] = await Promise.all([
    issue(authority, {
      subject: [{ shortName: 'CN', value: 'kube-apiserver' }],
      usage: 'serverAuth',
      names: [
        { type: 7, ip: '127.0.0.1' },
        { type: 7, ip: '10.0.0.1' },
        ...(identity === undefined ? [] : [{ type: 7, ip: identity.address } as const]),
        { type: 2, value: 'localhost' },
        { type: 2, value: 'kubernetes' },
        { type: 2, value: 'kubernetes.default' },
        { type: 2, value: 'kubernetes.default.svc' },
        { type: 2, value: 'kubernetes.default.svc.cluster.local' },
      ],
    }),
    issueFor(authority, toSubject('curfew-test-admin', 'system:masters')),
    issueFor(authority, toSubject('system:kube-controller-manager')),
  ]);
  const node = identity === undefined ? undefined : await issueForNode(authority, identity);
  return { authority, server, admin, controllerManager, node, serviceAccounts: await serviceAccounts };
}

async function issueForNode(authority: KeyPair, { name }: NodeIdentity): Promise<NodeCertificates> {
  const [kubelet, scheduler, proxy] = await Promise.all([
    issueFor(authority, toSubject(`system:node:${name}`, 'system:nodes')),
    issueFor(authority, toSubject('system:kube-scheduler')),
    issueFor(authority, toSubject('system:kube-proxy')),
  ]);
  return { kubelet, scheduler, proxy };
}

function toSubject(user: string, group?: string): Subject {
  return [
    ...(group === undefined ? [] : [{ shortName: 'O' as const, value: group }]),
    { shortName: 'CN', value: user },
  ];
}

/** The certificate of a user, in this group if one is given. */
export async function issueForUser(authority: KeyPair, user: string, group?: string): Promise<KeyPair> {
  return await issueFor(authority, toSubject(user, group));
}

/** A client's certificate. */
async function issueFor(authority: KeyPair, subject: Subject): Promise<KeyPair> {
  return await issue(authority, { subject, usage: 'clientAuth' });
}

async function issue(authority: KeyPair, { subject, usage, names }: Issue): Promise<KeyPair> {
  const issued = await generate([...subject], {
    ...validity(),
    ca: { cert: authority.certificate, key: authority.privateKey },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      usage === 'serverAuth' ? { name: 'extKeyUsage', serverAuth: true } : { name: 'extKeyUsage', clientAuth: true },
      ...(names === undefined ? [] : [{ name: 'subjectAltName' as const, altNames: [...names] }]),
    ],
  });
  return { certificate: issued.cert, privateKey: issued.private };
}

function validity(): { notBeforeDate: Date; notAfterDate: Date; keyType: 'ec'; algorithm: 'sha256' } {
  const now = Date.now();
  return {
    notBeforeDate: new Date(now - BACKDATED_MS),
    notAfterDate: new Date(now + VALID_FOR_MS),
    keyType: 'ec',
    algorithm: 'sha256',
  };
}

async function issueServiceAccountKeys(): Promise<ClusterCertificates['serviceAccounts']> {
  return promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}
