/** The pages of checks and the tables of all rules, made of the rules themselves. */

import type { Check, Example } from '../src/checks/define-check.ts';
import { startLevel } from '../src/checks/define-check.ts';
import { CHECKS } from '../src/checks/registry.ts';
import { judge } from '../src/engine/evaluate.ts';
import { prepareExample, toExampleSubject } from '../src/engine/example-subject.ts';
import { GUARDS } from '../src/engine/guards.ts';
import { toVerdict } from '../src/engine/verdict.ts';
import { MUTATIONS } from '../src/mutations/registry.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../src/policy/configuration.ts';
import { toPage, toTable, toYamlBlock } from './generate-markdown.ts';
import { describeContext, describeNeeds, describeReads, renderOptions } from './generate-rule-parts.ts';

/** The README's table of rules. */
export function renderRulesTable(): string {
  const rows = [
    ...CHECKS.map((check) => [
      `[\`${check.id}\`](docs/reference/checks/${check.id}.md)`,
      startLevel(check),
      `refuses ${check.title}`,
    ]),
    ...MUTATIONS.map(({ id, level, title }) => [
      `[\`${id}\`](docs/reference/mutations/${id}.md) (mutation)`,
      level,
      title,
    ]),
  ];
  return toTable(['rule', 'from level', 'what it does'], rows);
}

/** The changelog's list of what each catalogue version starts to refuse, newest first, and what refuses beside it. */
export function renderRefusals(): string {
  const versions = [...new Set(CHECKS.map(({ since }) => since))].toSorted((a, b) => minorOf(b) - minorOf(a));
  const catalogues = versions.map((version) => {
    const rows = CHECKS.filter(({ since }) => since === version).map((check) => [
      `\`${check.id}\``,
      startLevel(check),
      check.title,
    ]);
    return [`Catalogue ${version}:`, '', toTable(['check', 'from level', 'refuses'], rows)].join('\n');
  });
  const guards = toTable(
    ['guard', 'refuses'],
    GUARDS.map(({ id, title }) => [`\`${id}\``, title]),
  );
  return [...catalogues, ['Guards, at every level and whatever `catalogue` is:', '', guards].join('\n')].join('\n');
}

/** Catalogue versions are `0.N`. */
function minorOf(version: string): number {
  return Number(version.split('.')[1]);
}

/** A check's page: what, why, what to do, and its executed examples with what they lead to. */
export function renderCheck(check: Check): string {
  return toPage(check.id, [
    `Refuses ${check.title}.`,
    '',
    toTable(
      ['', ''],
      [
        ['starts at level', startLevel(check)],
        ['since catalogue', check.since],
        ['reads', describeReads(check.reads)],
        ['looks up', describeNeeds(check.needs)],
      ],
    ),
    '## Why',
    '',
    check.why,
    '',
    ...renderFix(check),
    '## Options',
    '',
    `In the configuration, below \`checks.${check.id}\`:`,
    '',
    renderOptions('checks', check),
    '## Examples',
    '',
    'Each is executed by the unit tests, and applied to a real API server by the end-to-end suite.',
    '',
    ...check.examples.flatMap((example) => renderExample(check, example)),
  ]);
}

/** The sentence names what it is said about, so the page shows that of the first refused example, as `explain` does. */
function renderFix(check: Check): readonly string[] {
  const refused = check.examples.find(({ expect }) => Array.isArray(expect));
  if (refused === undefined) return [];
  return ['## Fix', '', `For “${refused.title}” below:`, '', '```', check.fix(toExampleSubject(refused)), '```', ''];
}

function renderExample(check: Check, example: Example): readonly string[] {
  return [
    `### ${example.title}`,
    '',
    toYamlBlock(example.subject.object),
    '',
    ...describeCircumstances(check, example).flatMap((note) => [note, '']),
    ...renderResult(check, example),
    '',
  ];
}

/** All that an example says beside its object. */
function describeCircumstances(check: Check, { subject, context, options }: Example): readonly string[] {
  const { oldObject, subresource, caller } = subject;
  return [
    ...(subresource === undefined ? [] : [`As a change of the subresource \`${subresource}\`.`]),
    ...(oldObject === undefined ? [] : [`An update of:\n\n${toYamlBlock(oldObject)}`]),
    ...(caller === undefined ? [] : [`By \`${caller.username}\`.`]),
    ...(options === undefined ? [] : [`With \`checks.${check.id}\`:\n\n${toYamlBlock(options)}`]),
    ...describeContext(context),
  ];
}

function renderResult(check: Check, example: Example): readonly string[] {
  const text = judgeExample(check, example);
  const level = `\`${example.level}\``;
  if (text.denial !== undefined) return [`At ${level} it is refused:`, '', '```', text.denial.trim(), '```'];
  if (text.warnings.length > 0)
    return [`At ${level} it is allowed, with a warning:`, '', '```', ...text.warnings, '```'];
  return [`At ${level} it is allowed.`];
}

function judgeExample(check: Check, example: Example) {
  const result = readConfiguration({
    ...EMPTY_CONFIGURATION_FILE,
    ...(example.options === undefined ? {} : { checks: { [check.id]: example.options } }),
  });
  if (!result.ok) throw new Error(`options of "${example.title}": ${JSON.stringify(result.problems)}`);
  const { subject, context } = prepareExample(check, example);
  const { level } = example;
  const judgement = judge(subject, {
    checks: [check],
    configuration: result.configuration,
    scope: { ceiling: 'enforce', mayMutate: false, mayInject: false, isDryRun: false },
    levels: { enforce: level, warn: level, audit: level },
    context,
  });
  return toVerdict(subject, judgement, []);
}
