import { AZURE } from './cloud.ts';
import type { Preset } from './format.ts';

/**
 * azure-workload-identity v1.6.0. Its volume is named after a hash of the pod's name, which another webhook may change
 * between two rounds (its issue 1744); the release after it puts the hash into the path too. The name is fixed here.
 */
export const AZURE_V1_6: Preset = {
  ...AZURE,
  title: 'Azure: workload identity, with the token file of release 1.6',
  volume: 'azure-workload-identity',
  mountPath: '/var/run/secrets/azure/wi',
  path: 'token/azure-identity-token',
  differences: [
    'The volume has a fixed name; that of release 1.6.0 is made of a hash of the pod’s name, and a volume of its own name is overwritten there.',
    'Only for applications that have the path of 1.6.0 written into them: others read AZURE_FEDERATED_TOKEN_FILE, and the preset azure serves them.',
    'Beside the webhook of 1.6 both would mount at this path, and the API server refuses the pod: let one of them do it.',
    ...AZURE.differences.slice(1),
  ],
};
