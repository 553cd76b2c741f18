/** What would be refused or warned about, each with its fix. */

import type { AuditView } from '../../audit-view.ts';
import type { Rule } from '../../rules.ts';
import { listRules } from '../../rules.ts';
import type { Cell, Detail, Row, Table } from '../table.ts';

type Finding = AuditView['findings'][number];

export const NO_NAMESPACE = '(in none)';

/** Columns that charts choose rows by. */
export const FINDING_COLUMNS = { verdict: 0, namespace: 1, check: 3 } as const;

export type Verdict = 'refused' | 'held back' | 'warned about' | 'audited';

export function verdictOf({ mode, denied }: Pick<Finding, 'mode' | 'denied'>): Verdict {
  if (mode === 'enforce') return denied ? 'refused' : 'held back';
  return mode === 'warn' ? 'warned about' : 'audited';
}

const VERDICTS: Readonly<Record<Verdict, Cell>> = {
  refused: ['refused', 3, 'bad'],
  'held back': ['held back', 2, 'bad'],
  'warned about': ['warned about', 1, 'warn'],
  audited: ['audited', 0, 'quiet'],
};

export function createFindingsTable({ findings }: AuditView): Table {
  const rules = new Map(listRules().map((rule) => [rule.id, rule]));
  const rows = findings.map((finding) => toRow(finding, rules.get(finding.check)));
  return {
    id: 'findings',
    title: 'Findings',
    short: 'Findings',
    lead: 'What the webhook would say of each object if it were written anew today. Refused: the API server would turn it away, or its pods. Held back: it would, but dryRun is on.',
    noun: 'findings',
    columns: [
      { title: 'Verdict', form: 'badge', isFacet: true },
      { title: 'Namespace', form: 'name', isFacet: true },
      { title: 'Object', form: 'name' },
      { title: 'Check', form: 'text', isFacet: true },
      { title: 'What is wrong', form: 'main' },
    ],
    rows: rows.toSorted((a, b) => rank(b) - rank(a)),
    empty: 'Nothing is found: every object that could be read would be taken as it is, without a warning.',
  };
}

function rank({ cells: [verdict] }: Row): number {
  return typeof verdict === 'object' ? verdict[1] : 0;
}

function toRow(finding: Finding, rule: Rule | undefined): Row {
  const { check, object, reason, container, path, detail, fix, level } = finding;
  const details: readonly Detail[] = [
    ['What', detail, 'text'],
    ['Fix', fix, 'text'],
    [
      'Where',
      `${path === '' ? 'the whole object' : path}${container === undefined ? '' : `, container ${container}`}`,
      'text',
    ],
    ['Level', level, 'text'],
    ['More', `curfew explain ${check}`, 'command'],
    ...(rule === undefined ? [] : [['Read', rule.page, 'link'] as const]),
  ];
  return {
    cells: [
      VERDICTS[verdictOf(finding)],
      object.namespace === '' ? NO_NAMESPACE : object.namespace,
      `${object.kind} ${object.name}`,
      check,
      `${reason}${container === undefined ? '' : ` in ${container}`}`,
    ],
    details,
  };
}
