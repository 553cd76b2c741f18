/**
 * The commands of `npm run cluster` on kind, for machines with Docker: what each is there, and nothing else. There is no
 * Docker where this was written, so it was never run; its arguments are those of kind's and Docker's own documentation.
 */

import { resolve } from 'node:path';

const NAME = 'curfew';
/** kind's name for the container of its first node. */
const NODE = `${NAME}-control-plane`;
/** Servers that are services of systemd in a node's container; the others are pods of the kubelet. */
const SERVICES: readonly string[] = ['kubelet', 'containerd'];

export type KindTools = { readonly kind: string; readonly kubectl: string; readonly kubeconfig: string };

/**
 * The program and its arguments for a command, a sentence if kind cannot do it, or undefined if there is no such command.
 */
export function kindCommand(
  [command, ...args]: readonly string[],
  { kind, kubectl, kubeconfig }: KindTools,
): readonly string[] | string | undefined {
  const [argument] = args;
  const where = ['--name', NAME, '--kubeconfig', kubeconfig];
  switch (command) {
    case 'up':
      if (argument === undefined) return [kind, 'create', 'cluster', ...where, '--wait', '120s'];
      return 'kind brings its own Kubernetes: --kubernetes is for the cluster without Docker.';
    case 'down':
      return argument === undefined ? [kind, 'delete', 'cluster', ...where] : undefined;
    case 'status':
      return argument === undefined ? [kubectl, 'get', 'nodes', '--output', 'wide'] : undefined;
    case 'kubectl':
      return [kubectl, ...args];
    case 'run':
      return argument === undefined ? undefined : args;
    case 'load-image':
      if (argument === undefined || args.length > 1) return undefined;
      return [kind, 'load', 'image-archive', resolve(argument), '--name', NAME];
    case 'stop':
    case 'start':
      if (argument === undefined || args.length > 1) return undefined;
      if (SERVICES.includes(argument)) return ['docker', 'exec', NODE, 'systemctl', command, argument];
      return `On kind only ${SERVICES.join(' and ')} can be stopped and started, and ${argument} is a pod.`;
    case 'restart':
      return argument === 'node' && args.length === 1 ? ['docker', 'restart', NODE] : undefined;
    default:
      return undefined;
  }
}
