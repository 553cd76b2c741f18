/** What an example of a rule says of the world around its object. What it does not say is plain and empty. */

import type { ApiAccessSource } from './api-access.ts';
import type { JsonObject } from './json.ts';

export type ExampleContext = {
  /** The service account the pod runs as, as a manifest; `absent` if it does not exist, by default a plain one. */
  readonly serviceAccount?: JsonObject | 'absent';
  /** The namespace, as a manifest; by default a plain one. */
  readonly namespace?: JsonObject;
  /** Token Secrets of the namespace: name to service account; `unknown` while their index is off; by default none. */
  readonly tokenSecrets?: Readonly<Record<string, string>> | 'unknown';
  /** Names of the webhook configurations of the cluster; by default none. */
  readonly mutatingWebhooks?: readonly string[];
  /** By default the service account alone. */
  readonly acceptApiAccessFrom?: readonly ApiAccessSource[];
};
