/** What the report says first: what is wrong, in one sentence and some numbers, and what could not be seen. */

import { countOf } from '../../objects/text.ts';
import type { AuditView, LimitsView, ScoreLineView } from '../audit-view.ts';
import { isLong } from '../audit-view.ts';
import { formatSpan, isGood } from './lifetimes.ts';
import type { Markup } from './markup.ts';
import { element } from './markup.ts';
import type { Tone } from './table.ts';
import { formatCount } from './table.ts';
import { isUndocumented } from './tables/accounts.ts';

/** One sentence: the worst of what was found. */
export function describeVerdict(report: AuditView): string {
  const { denied, undecided, faults } = report.summary;
  const endless = report.longLivedSecrets.filter(isGood).length;
  const parts = [
    ...(denied === 0 ? [] : [`${counted(denied, 'object')} would be refused if written anew`]),
    ...(endless === 0 ? [] : [`${counted(endless, 'token')} never ${endless === 1 ? 'expires' : 'expire'}`]),
  ];
  if (parts.length > 0) return `${parts.join(', and ')}.`;
  if (undecided + faults > 0) return 'Nothing would be refused of what could be seen; not all of it could.';
  return 'Nothing would be refused, and nothing long-lived is left.';
}

type Tile = {
  readonly count: number;
  readonly what: string;
  readonly more?: string;
  readonly tone: Tone;
  readonly href?: string;
};

export function createTiles(report: AuditView): Markup {
  return element('ul', { class: 'tiles' }, ...listTiles(report).map(drawTile));
}

function drawTile({ count, what, more, tone }: Tile): Markup {
  return element(
    'li',
    { class: `tile ${tone}` },
    element('span', { class: 'figure' }, formatCount(count)),
    element('span', { class: 'what' }, what),
    ...(more === undefined ? [] : [element('span', { class: 'more' }, more)]),
  );
}

function listTiles(report: AuditView): readonly Tile[] {
  const { summary, longLivedSecrets, tokens, access, accounts } = report;
  const good = longLivedSecrets.filter(isGood);
  const ended = longLivedSecrets.length - good.length;
  const toneOf = (count: number, tone: Tone): Tone => (count === 0 ? 'good' : tone);
  return [
    {
      count: summary.denied,
      what: summary.denied === 1 ? 'object would be refused' : 'objects would be refused',
      more: `of ${formatCount(summary.judged)} in ${counted(summary.namespaces, 'namespace')}`,
      tone: toneOf(summary.denied, 'bad'),
    },
    {
      count: good.length,
      what: good.length === 1 ? 'token never expires' : 'tokens never expire',
      more: ended === 0 ? 'in Secrets' : `in Secrets; ${formatCount(ended)} more the API server already refuses`,
      tone: toneOf(good.length, 'bad'),
    },
    ...(tokens === undefined ? [] : [toLongTile(tokens)]),
    ...(access === undefined ? [] : [toAccessTile(access)]),
    ...(accounts === undefined ? [] : [toAccountsTile(accounts)]),
    {
      count: summary.warn,
      what: summary.warn === 1 ? 'warning' : 'warnings',
      more: summary.exempted === 0 ? 'nothing is exempted' : `${counted(summary.exempted, 'finding')} exempted`,
      tone: toneOf(summary.warn, 'warn'),
    },
  ];
}

function toLongTile(tokens: NonNullable<AuditView['tokens']>): Tile {
  const pods = (some: typeof tokens) => some.reduce((sum, one) => sum + one.pods, 0);
  const long = pods(tokens.filter((one) => isLong(one) && one.source !== 'secret'));
  return {
    count: long,
    what: 'pods hold a token that outlives a day',
    more: `of ${formatCount(pods(tokens.filter(({ source }) => source !== 'secret')))} tokens in pods`,
    tone: long === 0 ? 'good' : 'bad',
  };
}

function toAccessTile({ paths, more, complete }: NonNullable<AuditView['access']>): Tile {
  const admin = paths.filter(({ to }) => to === 'cluster-admin').length;
  const count = paths.length + more;
  const seen = complete ? '' : '; not all rights could be read';
  return {
    count,
    what: count === 1 ? 'way to a token of another account' : 'ways to a token of another account',
    more: `${formatCount(admin)} of them to cluster-admin${seen}`,
    tone: count === 0 ? 'good' : admin > 0 ? 'bad' : 'warn',
  };
}

function toAccountsTile(accounts: NonNullable<AuditView['accounts']>): Tile {
  const count = accounts.filter(isUndocumented).length;
  const without = accounts.filter((one) => isUndocumented(one) && !one.hasRights).length;
  return {
    count,
    what: 'accounts use the API without a reason',
    more: `${formatCount(without)} of them without any right`,
    tone: count === 0 ? 'good' : 'warn',
  };
}

/** Every reason why the report may be too good. */
export function listUnseen({ faults, undecided, access, limits, tokens, scorecard }: AuditView): readonly string[] {
  const groups = Map.groupBy(
    undecided.filter(({ couldDeny }) => couldDeny),
    ({ check }) => check,
  );
  const hidden = scorecard?.filter(({ verdict }) => verdict === 'not-visible').length ?? 0;
  const unknown = tokens?.filter(({ never, trueSeconds }) => !never && trueSeconds === undefined).length ?? 0;
  return [
    ...faults.map(({ message }) => message),
    ...[...groups].map(
      ([check, all]) => `${check} could not judge ${countOf(all.length, 'object')}: ${all[0]?.detail ?? ''}`,
    ),
    ...(access?.complete === false
      ? ['Not all roles and bindings could be listed: there may be more ways to a token.']
      : []),
    ...(limits?.measured === false
      ? [`How long tokens really live was not measured: ${limits.reason ?? 'no reason is given'}`]
      : []),
    ...(unknown === 0 ? [] : [`Of ${countOf(unknown, 'token')} in pods it is not known how long they live.`]),
    ...(hidden === 0 ? [] : [`${countOf(hidden, 'line')} of the scorecard cannot be seen through the Kubernetes API.`]),
  ];
}

/** What the API server gave to whom asked it for a long token. */
export function describeLimits(limits: LimitsView | undefined): string | undefined {
  if (limits === undefined || !limits.measured) return undefined;
  const { maximumSeconds, extendsTo } = limits;
  const parts = [
    ...(maximumSeconds === undefined ? [] : [`gives tokens of at most ${formatSpan(maximumSeconds)}`]),
    ...(extendsTo === undefined ? [] : [`makes ${formatSpan(extendsTo)} of the hour that pods ask for`]),
  ];
  return parts.length === 0 ? undefined : `Measured: this API server ${parts.join(', and ')}.`;
}

const VERDICTS: Readonly<Record<ScoreLineView['verdict'], readonly [text: string, tone: Tone]>> = {
  pass: ['pass', 'good'],
  fail: ['fail', 'bad'],
  'not-visible': ['not visible', 'quiet'],
};

export function createScorecard(lines: readonly ScoreLineView[]): Markup {
  const counts = Object.entries(VERDICTS).map(([verdict, [text]]) => {
    const count = lines.filter((line) => line.verdict === verdict).length;
    return element('span', {}, `${count} ${text}`);
  });
  return element(
    'section',
    { id: 'scorecard', 'aria-labelledby': 'scorecard-title' },
    element('h2', { id: 'scorecard-title' }, 'Scorecard'),
    element('p', { class: 'score-bar' }, ...counts),
    element('ol', { class: 'scores panel' }, ...lines.map(drawLine)),
  );
}

function drawLine({ line, title, verdict, detail, objects, more }: ScoreLineView): Markup {
  const [text, tone] = VERDICTS[verdict];
  const names = objects.map(({ kind, namespace, name }) => `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`);
  const left = names.length - MOST_OBJECTS + more;
  const shown = `${names.slice(0, MOST_OBJECTS).join(', ')}${left > 0 ? ` and ${formatCount(left)} more` : ''}`;
  return element(
    'li',
    {},
    element('span', { class: 'number', 'aria-hidden': 'true' }, String(line)),
    element(
      'div',
      {},
      element('span', { class: 'title' }, title),
      ' ',
      element('span', { class: `badge ${tone}` }, text),
      element('span', { class: 'detail' }, names.length === 0 ? detail : `${detail} ${shown}`),
    ),
  );
}

const MOST_OBJECTS = 3;

function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
