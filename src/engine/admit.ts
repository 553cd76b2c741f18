/** What admission makes of an object that is created: the mutations first, then the checks on what they made. */

import type { Check } from '../checks/define-check.ts';
import type { Mutation } from '../mutations/define-mutation.ts';
import type { RuleContext } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';
import type { Configuration } from '../policy/configuration.ts';
import type { EffectiveLevels } from '../policy/level.ts';
import type { Scope } from '../policy/scope.ts';
import type { Judgement } from './evaluate.ts';
import { judge } from './evaluate.ts';
import type { MutationsOutcome } from './mutate.ts';
import { mutate } from './mutate.ts';

export type AdmitOptions = {
  readonly checks: readonly Check[];
  readonly mutations: readonly Mutation[];
  readonly configuration: Configuration;
  readonly scope: Scope;
  /** Of the mutations. */
  readonly levels: EffectiveLevels;
  /** Of the checks, where they are others. */
  readonly judgedAt?: Pick<EffectiveLevels, 'enforce' | 'warn' | 'audit'>;
  readonly context: Omit<RuleContext, 'level'>;
};

export type Admission = { readonly mutation: MutationsOutcome; readonly judgement: Judgement };

/** What a mutation refuses is judged as it came; the API server does not ask about it any more. */
export function admit(subject: Subject, options: AdmitOptions): Admission {
  const mutation = mutate(subject, options);
  const levels = options.judgedAt ?? options.levels;
  return { mutation, judgement: judge({ ...subject, object: mutation.object }, { ...options, levels }) };
}
