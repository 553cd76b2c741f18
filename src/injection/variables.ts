/** The variables of a token in one container: before those that are there, which may then use them by `$(NAME)`. */

import type { Container } from '../objects/containers.ts';
import type { Draft } from '../objects/draft.ts';
import type { JsonValue } from '../objects/json.ts';
import { asArray, member, toPointer, valueAt } from '../objects/json.ts';
import { joinNames, quote } from '../objects/text.ts';
import type { EnvVariable, Plan } from './plan.ts';
import type { Added, Recorded } from './record.ts';
import { addEntry, hasEntry } from './record.ts';
import type { Sink } from './sink.ts';

export type VariablesState = {
  readonly plan: Plan;
  readonly sink: Sink;
  /** Who set which variable of which container in this run: `containers/0/TOKEN`. */
  readonly setters: Map<string, Plan>;
  /** What an earlier round added. */
  readonly ours: Recorded | undefined;
  readonly added: Added;
};

export function addVariables(draft: Draft, container: Container, state: VariablesState): void {
  const { plan, sink, setters, ours, added } = state;
  const path = ['spec', ...container.path, 'env'];
  const note = ({ name, value }: EnvVariable) => addEntry(added, container.name, [name, value]);
  const groups = Map.groupBy(plan.env, ({ group }) => group);
  const missing: EnvVariable[] = [];
  for (const variables of groups.values()) {
    const env = asArray(valueAt(draft.current(), path));
    const others = variables.filter((variable) => listOthers(env, variable).length > 0);
    for (const variable of variables) {
      const isThere = env.some((entry) => member(entry, 'name') === variable.name) && !others.includes(variable);
      if (isThere && hasEntry(ours, container.name, [variable.name, variable.value])) note(variable);
    }
    const [taken] = others.flatMap(({ name }) => setters.get(`${container.path.join('/')}/${name}`) ?? []);
    if (taken !== undefined) {
      const names = joinNames(
        'variable',
        others.map(({ name }) => name),
      );
      const detail = `${plan.origin.name} and ${taken.origin.name} both set ${names} in container ${container.name}`;
      sink.conflict(plan.origin.path, detail, 'give them different names by env, or different containers');
      continue;
    }
    if (others.length > 0 && !plan.overrideEnv) {
      const names = joinNames(
        'variable',
        others.map(({ name }) => name),
      );
      sink.note(`container ${container.name} keeps ${names} of its own`);
      continue;
    }
    for (const variable of others) {
      override(draft, { path, variable, container, state });
      note(variable);
    }
    missing.push(...variables.filter(({ name }) => !env.some((entry) => member(entry, 'name') === name)));
    for (const { name } of variables) setters.set(`${container.path.join('/')}/${name}`, plan);
  }
  if (missing.length === 0) return;
  for (const variable of missing) note(variable);
  const entries = missing.map(({ name, value }) => ({ name, value }));
  if (Array.isArray(valueAt(draft.current(), path))) {
    for (const entry of entries.toReversed()) draft.insert([...path, 0], entry);
  } else {
    draft.set(path, entries);
  }
  const names = joinNames(
    'variable',
    missing.map(({ name }) => name),
  );
  const hides = asArray(member(container.container, 'envFrom')).length > 0;
  const warning = `${names} in container ${container.name} may hide what its envFrom has under that name`;
  sink.change(toPointer(path), `container ${container.name}: ${names} added`, hides ? [warning] : []);
}

/** Indexes of entries of that name with another value. */
function listOthers(env: readonly JsonValue[], { name, value }: EnvVariable): readonly number[] {
  return env.flatMap((entry, index) => {
    const isSame = member(entry, 'value') === value && member(entry, 'valueFrom') === undefined;
    return member(entry, 'name') === name && !isSame ? [index] : [];
  });
}

/** In its place, since the order of variables has a meaning. */
function override(
  draft: Draft,
  {
    path,
    variable,
    container,
    state,
  }: {
    readonly path: readonly (string | number)[];
    readonly variable: EnvVariable;
    readonly container: Container;
    readonly state: VariablesState;
  },
): void {
  const { name, value } = variable;
  for (const index of listOthers(asArray(valueAt(draft.current(), path)), variable)) {
    draft.set([...path, index], { name, value });
    state.sink.change(toPointer([...path, index]), `container ${container.name}: ${quote(name)} is overridden`);
  }
}
