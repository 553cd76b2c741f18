import { describe, expect, it } from 'vitest';
import { findObstacle, type Machine } from '../../e2e/node/cluster.ts';
import { kindCommand } from '../../e2e/node/kind.ts';

const ROOT: Machine = { platform: 'linux', uid: 0, path: '/nowhere' };

describe('A cluster with a node', () => {
  it.each<[string, Partial<Machine>, RegExp]>([
    ['on another system', { platform: 'darwin' }, /^A cluster with a node needs Linux, and this is darwin\.$/],
    ['for somebody who is not root', { uid: 1_000 }, /^A cluster with a node needs root, for namespaces and mounts\.$/],
    [
      'without the programs',
      {},
      /^A cluster with a node needs more programs here\. Debian has them: apt-get install util-linux mount iproute2 containerd runc iptables nftables conntrack openssl buildah/,
    ],
  ])('is refused %s, with a sentence that says what is needed', async (_what, machine, sentence) => {
    expect(await findObstacle({ ...ROOT, ...machine })).toMatch(sentence);
  });
});

describe('On kind', () => {
  const tools = { kind: '/bin/kind', kubectl: '/bin/kubectl', kubeconfig: '/state/kind.kubeconfig' };
  const where = '--name curfew --kubeconfig /state/kind.kubeconfig';

  it.each([
    ['up', `/bin/kind create cluster ${where} --wait 120s`],
    ['down', `/bin/kind delete cluster ${where}`],
    ['status', '/bin/kubectl get nodes --output wide'],
    ['kubectl get pods -A', '/bin/kubectl get pods -A'],
    ['run helm list', 'helm list'],
    ['load-image /tmp/image.tar', '/bin/kind load image-archive /tmp/image.tar --name curfew'],
    ['stop kubelet', 'docker exec curfew-control-plane systemctl stop kubelet'],
    ['start containerd', 'docker exec curfew-control-plane systemctl start containerd'],
    ['restart node', 'docker restart curfew-control-plane'],
  ])('%s is %s', (words, expected) => {
    const found = kindCommand(words.split(' '), tools);
    expect(typeof found === 'string' ? found : found?.join(' ')).toBe(expected);
  });

  it.each([
    ['up --kubernetes 1.33', 'kind brings its own Kubernetes: --kubernetes is for the cluster without Docker.'],
    ['stop etcd', 'On kind only kubelet and containerd can be stopped and started, and etcd is a pod.'],
  ])('%s is refused with a sentence', (words, sentence) => {
    expect(kindCommand(words.split(' '), tools)).toBe(sentence);
  });

  it.each(['', 'restart', 'restart kubelet', 'load-image', 'run', 'dance', 'down now'])('%j is no command', (words) => {
    expect(kindCommand(words.split(' '), tools)).toBeUndefined();
  });
});
