/** What a mutation is in CEL: the patches that a MutatingAdmissionPolicy makes. `src/native` decides where it runs. */

import type { CelSettings } from '../../checks/cel/define-cel.ts';
import type { JsonObject } from '../../objects/json.ts';

export type CelMutationSettings = Pick<CelSettings, 'apiAudiences' | 'acceptApiAccessFrom'> & {
  readonly options: JsonObject;
  /** Options of the check that it mends. */
  readonly checkOptions: JsonObject;
};

export type CelMutation = {
  /**
   * Where it runs beyond what its level and the guards say; default: wherever they do.
   *
   * @param world.injects - true if the webhook injects tokens that are asked for
   */
  readonly condition?: (world: { readonly injects: boolean }) => string | undefined;
  /**
   * A list of JSONPatch of `object`; empty where nothing is to be changed. `variables.defaultVolumes` is there for pods.
   */
  readonly patches: (settings: CelMutationSettings) => string;
  /** What of the mutation it does not do, and why: the end of a sentence. */
  readonly left?: string;
};

/** What it is that a policy cannot do: the end of a sentence that begins with "it". */
export type NoCelMutation = { readonly without: string };
