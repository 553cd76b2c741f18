/**
 * A configuration must not refuse what its own mutations make: then nobody could do anything about the denial. Tried
 * on the examples of every mutation, so that a new rule is covered by what it brings anyway.
 */

import type { Check } from '../checks/define-check.ts';
import { CHECKS } from '../checks/registry.ts';
import type { Mutation } from '../mutations/define-mutation.ts';
import { ASKED_FOR } from '../mutations/define-mutation.ts';
import { MUTATIONS } from '../mutations/registry.ts';
import { TOKEN_ANNOTATION_PREFIX } from '../objects/injection-keys.ts';
import type { Subject } from '../objects/subject.ts';
import { quote } from '../objects/text.ts';
import type { Configuration, Levels } from '../policy/configuration.ts';
import type { ConfigurationProblem } from '../policy/configuration-problems.ts';
import type { JudgeOptions } from './evaluate.ts';
import { judge } from './evaluate.ts';
import type { PreparedMutationExample } from './example-subject.ts';
import { prepareMutationExample } from './example-subject.ts';
import { mutate } from './mutate.ts';

export type Rules = { readonly checks: readonly Check[]; readonly mutations: readonly Mutation[] };

type Sample = PreparedMutationExample & { readonly title: string; readonly asksForTokens: boolean };

const SCOPE = { ceiling: 'enforce', mayMutate: true, mayInject: true, isDryRun: false } as const;

/** One problem for each pair of levels at which a check denies something that mutations brought into an object. */
export function listSelfRefusals(
  configuration: Configuration,
  { checks, mutations }: Rules = { checks: CHECKS, mutations: MUTATIONS },
): readonly ConfigurationProblem[] {
  // What was asked for can be asked for otherwise by whoever is refused; what the levels and the configuration bring
  // cannot. A sample may ask for something too, so for that one those mutations do not run at all.
  const brought = mutations.filter(({ level }) => level !== ASKED_FOR);
  const unasked = mutations.filter((one) => brought.includes(one) || givesToEveryPod(one, configuration));
  const samples: readonly Sample[] = brought.flatMap((mutation) =>
    mutation.examples.map((example) => ({
      ...prepareMutationExample(mutation, example),
      title: example.title,
      asksForTokens: JSON.stringify(example).includes(TOKEN_ANNOTATION_PREFIX),
    })),
  );
  return listLevels(configuration).flatMap((levels) =>
    samples
      .flatMap((sample) => {
        const rules = { checks, mutations: sample.asksForTokens ? brought : unasked };
        return findRefusal(sample, { configuration, levels, rules }) ?? [];
      })
      .slice(0, 1),
  );
}

function givesToEveryPod({ id, injects, defaults }: Mutation, { mutations }: Configuration): boolean {
  const tokens = injects?.(mutations.get(id)?.options ?? defaults).tokens;
  return tokens !== undefined && tokens.size > 0 && mutations.get(id)?.mode !== 'off';
}

/** The levels of all namespaces and those of single ones, each once. */
function listLevels({ levels, namespaces }: Configuration): readonly Levels[] {
  const all = [levels, ...[...namespaces.values()].map((own) => ({ ...levels, ...own }))];
  return [...new Map(all.map((each) => [`${each.enforce} ${each.mutate}`, each])).values()];
}

type Setting = { readonly configuration: Configuration; readonly levels: Levels; readonly rules: Rules };

function findRefusal(sample: Sample, { configuration, levels, rules }: Setting): ConfigurationProblem | undefined {
  // An exemption hides a contradiction from those it is for alone, and ends.
  const options = {
    configuration: { ...configuration, exemptions: [] },
    scope: SCOPE,
    levels: { ...levels, mutateByLabel: true, notes: [] },
    context: sample.settings.context,
  };
  const { object, results } = mutate(sample.subject, { ...options, mutations: rules.mutations });
  if (results.length === 0) return undefined;
  const denied = results.find(({ decision }) => decision === 'deny');
  if (denied !== undefined) {
    const [{ detail } = { detail: '' }] = denied.refusals;
    return { path: '/mutations', problem: `refuse ${quote(sample.title)} by ${denied.mutation.id}: ${detail}` };
  }
  const denialsOf = (subject: Subject) => listDenials(subject, { ...options, checks: rules.checks });
  const before = new Set(denialsOf(sample.subject).map(({ id }) => id));
  const added = denialsOf({ ...sample.subject, object }).find(({ id }) => !before.has(id));
  if (added === undefined) return undefined;
  const ids = results.map(({ mutation }) => mutation.id);
  return {
    path: '/mutations',
    problem: `contradict enforce level ${levels.enforce}: what ${ids.join(', ')} makes of ${quote(sample.title)} is refused by ${added.check}: ${added.detail}`,
  };
}

function listDenials(subject: Subject, options: JudgeOptions) {
  return judge(subject, options)
    .results.filter(({ effect }) => effect === 'deny')
    .flatMap(({ check, findings }) =>
      findings.map(({ key, detail }) => ({ id: `${check.id} ${key}`, check: check.id, detail })),
    );
}
