/** `curfew import`: what replaces the policies of another engine, and what of them is left over. */

import { stringify } from 'yaml';
import type { ImportedException, ImportedRule } from '../imports/imported-rule.ts';
import type { Outcome, Sourced } from '../imports/outcome.ts';
import type { Engine } from '../imports/read-policies.ts';
import { findBeside, MOST_POLICIES, readPolicy } from '../imports/read-policies.ts';
import type { Imported } from '../imports/to-configuration.ts';
import { toConfiguration } from '../imports/to-configuration.ts';
import { createLocator } from '../manifests/locate.ts';
import type { Manifest, ManifestFault } from '../manifests/read-manifests.ts';
import { readManifests } from '../manifests/read-manifests.ts';
import type { JsonPath } from '../objects/json.ts';
import { toPointer } from '../objects/json.ts';
import { countOf, toOneLine } from '../objects/text.ts';
import { VERSION } from '../version.ts';
import type { CommandIo } from './commands/context.ts';
import { readInputs } from './input-files.ts';

/** Prints the configuration that replaces the policies in `names`, and returns the exit code. */
export async function importPolicies(engine: Engine, names: readonly string[], io: CommandIo): Promise<0 | 1 | 2> {
  const inputs = await readInputs(names, io);
  const read = inputs.sources.map(({ file, text }) => readManifests(text, file));
  const faults: ManifestFault[] = [...inputs.faults, ...read.flatMap((one) => one.faults)];
  const manifests = read.flatMap((one) => one.manifests);
  const { rules, exceptions, others } = readAll(engine, manifests, faults);
  const imported = toConfiguration(rules, exceptions);
  for (const { file, line, column, message } of faults)
    io.writeError(`curfew: ${file}:${line}:${column}: ${message}\n`);
  if (others > 0) io.writeError(`curfew: ${countOf(others, 'object')} passed over: no policies of ${engine}\n`);
  for (const outcome of imported.outcomes) {
    if (outcome.state !== 'replaced') io.writeError(`${describeOutcome(outcome).join('\n')}\n`);
  }
  if (imported.configuration === undefined) io.writeError('curfew: nothing was found that Curfew replaces\n');
  else io.write(renderConfiguration(engine, imported));
  if (faults.length > 0) return 2;
  const isWhole = imported.configuration !== undefined && imported.outcomes.every(({ state }) => state === 'replaced');
  return isWhole ? 0 : 1;
}

type Read = {
  readonly rules: readonly (ImportedRule & Sourced)[];
  readonly exceptions: readonly (ImportedException & Sourced)[];
  /** Objects that are no policies. */
  readonly others: number;
};

function readAll(engine: Engine, manifests: readonly Manifest[], faults: ManifestFault[]): Read {
  const rules: (ImportedRule & Sourced)[] = [];
  const exceptions: (ImportedException & Sourced)[] = [];
  const place = createLocator();
  const beside = findBeside(manifests.map(({ object }) => object));
  let others = 0;
  let policies = 0;
  for (const manifest of manifests) {
    const { file, object } = manifest;
    const policy = readPolicy(object, engine, beside);
    if (policy === undefined) {
      others += 1;
      continue;
    }
    policies += 1;
    if (policies > MOST_POLICIES) {
      faults.push({ file, ...place(manifest, ''), message: `at most ${MOST_POLICIES} policies are read` });
      break;
    }
    const at = (path: JsonPath) => place(manifest, toPointer(path));
    const locate = (path: JsonPath) => `${file}:${at(path).line}:${at(path).column}`;
    for (const fault of policy.faults)
      faults.push({ file, ...at(fault.at), message: toOneLine(`${toPointer(fault.at)} ${fault.message}`) });
    rules.push(...policy.rules.map((rule) => ({ ...rule, locate })));
    exceptions.push(...policy.exceptions.map((exception) => ({ ...exception, locate })));
  }
  return { rules, exceptions, others };
}

/** What becomes of a rule, and what does not: its name, and a line for each thing that is to be said of it. */
function describeOutcome({ state, name, place, does, by, lost, differs }: Outcome): readonly string[] {
  const parts: readonly (readonly [string, readonly string[]])[] = [
    ['by', does],
    ['recognised by', by],
    [state === 'left over' ? 'why' : 'not carried over', lost],
    ['otherwise', differs],
  ];
  return [
    `${state}: ${name} (${place})`,
    ...parts.flatMap(([title, texts]) => texts.map((text) => `  ${title}: ${text}`)),
  ].map(toOneLine);
}

function renderConfiguration(engine: Engine, { configuration, outcomes }: Imported): string {
  const count = (state: Outcome['state']) => outcomes.filter((outcome) => outcome.state === state).length;
  const head = [
    `Configuration of Curfew in place of policies of ${engine}, written by curfew ${VERSION} (curfew import ${engine}).`,
    `Of ${countOf(outcomes.length, 'rule')}: ${count('replaced')} replaced, ${count('replaced in part')} replaced in part, ${count('left over')} left over.`,
    'Checks that no rule asked for are held at warn: they tell, and deny nothing. Take their lines away to go further.',
    'As everywhere, Curfew denies nothing in kube-system, and no update that adds nothing to what was wrong before.',
    'Read it, then: curfew config check FILE; and curfew audit --config FILE, which says what it would refuse.',
    '',
    ...outcomes.flatMap(describeOutcome),
  ];
  // Helm and kubectl read YAML 1.1, in which an unquoted off is false.
  const yaml = stringify(configuration, { lineWidth: 0, version: '1.1' });
  return `${head.map((line) => `# ${line}`.trimEnd()).join('\n')}\n${yaml}`;
}
