/** What a mutation is given to go by: its own options, those of the check it mends, and the injection that is to come. */

import { findCheck } from '../checks/registry.ts';
import type { InjectionSettings } from '../injection/asks.ts';
import type { Mutation, MutationSettings } from '../mutations/define-mutation.ts';
import type { JsonObject } from '../objects/json.ts';
import type { RuleContext } from '../objects/rule-context.ts';
import { settingsOf } from './asked-checks.ts';

export type Given = {
  readonly context: RuleContext;
  /** By default the mutation's own defaults. */
  readonly options?: JsonObject | undefined;
  /** Of the check that it mends; by default that check's defaults. */
  readonly checkOptions?: JsonObject | undefined;
  readonly injection: InjectionSettings | undefined;
};

export function toMutationSettings(mutation: Mutation, given: Given): MutationSettings<unknown> {
  const { context, options = mutation.defaults, checkOptions, injection } = given;
  const check = mutation.mends === undefined ? undefined : findCheck(mutation.mends);
  const mended = check === undefined ? undefined : settingsOf(check, context.level, checkOptions);
  return { options, context, mended, injection };
}
