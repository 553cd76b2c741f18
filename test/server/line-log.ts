import type { KubeLog } from '../../src/kube/log.ts';

/** A log that keeps its lines, each with the reason that is given for it. */
export function createLineLog(): KubeLog & { readonly lines: string[] } {
  const lines: string[] = [];
  const add: KubeLog['info'] = (fields, message) => {
    const why = fields['why'];
    lines.push(typeof why === 'string' ? `${message}: ${why}` : message);
  };
  return { lines, info: add, warn: add };
}
