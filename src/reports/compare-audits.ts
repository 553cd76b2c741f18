/** What got better or worse between two audits of a cluster: findings, tokens, Secrets that never end, ways to a token. */

import { nameReported } from '../manifests/report-object.ts';
import type { AuditView, PathView, SecretView, TokenView } from './audit-view.ts';
import { isLong, nameSubject, nameTarget } from './audit-view.ts';
import { toLifetimeCell } from './html/lifetimes.ts';
import { textOf } from './html/table.ts';
import { verdictOf } from './html/tables/findings.ts';

export type Change = {
  readonly part: 'finding' | 'token' | 'secret' | 'access';
  /** `new` and `gone` of what one report alone has. */
  readonly how: 'new' | 'gone' | 'changed';
  /** The object, or who reaches whom. */
  readonly what: string;
  readonly namespace: string;
  /** What the older report says of it. */
  readonly before?: string;
  /** What the newer one says. */
  readonly after?: string;
};

type Side = { readonly cluster: string; readonly takenAt?: string | undefined };

export type AuditComparison = {
  readonly apiVersion: 'curfew.dev/v1alpha1';
  readonly kind: 'AuditComparison';
  readonly older: Side;
  readonly newer: Side;
  readonly worse: readonly Change[];
  readonly better: readonly Change[];
  /** What could not be compared, and why. */
  readonly notes: readonly string[];
  readonly summary: { readonly worse: number; readonly better: number };
};

type Entry = Pick<Change, 'part' | 'what' | 'namespace'> & {
  readonly said: string;
  /** The higher the worse. */
  readonly rank: number;
};

export function compareAudits(older: AuditView, newer: AuditView): AuditComparison {
  const [before, after] = [listEntries(older, newer), listEntries(newer, older)];
  const changes = [...new Set([...before.keys(), ...after.keys()])].flatMap(
    (id) => compareEntry(before.get(id), after.get(id)) ?? [],
  );
  const pick = (isWorse: boolean) => changes.filter((one) => one.isWorse === isWorse).map(({ change }) => change);
  const [worse, better] = [pick(true), pick(false)];
  return {
    apiVersion: 'curfew.dev/v1alpha1',
    kind: 'AuditComparison',
    older: toSide(older),
    newer: toSide(newer),
    worse,
    better,
    notes: listNotes(older, newer),
    summary: { worse: worse.length, better: better.length },
  };
}

function toSide({ cluster, takenAt }: AuditView): Side {
  return { cluster, ...(takenAt === undefined ? {} : { takenAt }) };
}

function compareEntry(
  before: Entry | undefined,
  after: Entry | undefined,
): { readonly change: Change; readonly isWorse: boolean } | undefined {
  const entry = after ?? before;
  const by = (after?.rank ?? 0) - (before?.rank ?? 0);
  if (entry === undefined || by === 0) return undefined;
  const { part, what, namespace } = entry;
  const how = before === undefined ? 'new' : after === undefined ? 'gone' : 'changed';
  const said = { ...(before && { before: before.said }), ...(after && { after: after.said }) };
  return { change: { part, how, what, namespace, ...said }, isWorse: by > 0 };
}

/** By what stays the same of each. A part that one of both reports lacks is left out of both. */
function listEntries(report: AuditView, other: AuditView): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  const add = (key: readonly unknown[], entry: Entry): void => {
    const id = JSON.stringify([entry.part, ...key]);
    // Of several of the same, such as two volumes of a pod, the worst one counts.
    if ((entries.get(id)?.rank ?? 0) < entry.rank) entries.set(id, entry);
  };
  for (const finding of report.findings) {
    const { check, object, container, reason } = finding;
    add([check, object, container, reason], toFindingEntry(finding));
  }
  for (const secret of report.longLivedSecrets) add([secret.namespace, secret.name], toSecretEntry(secret));
  if (other.tokens !== undefined) {
    for (const token of report.tokens?.filter(isLong) ?? []) {
      const { namespace, owner, account, source, volume, secret, audience } = token;
      // The name of the default token's volume ends in random letters.
      const place = source === 'default' ? '' : (secret ?? volume);
      add([namespace, owner, account, source, place, audience], toTokenEntry(token));
    }
  }
  if (other.access !== undefined) {
    for (const path of report.access?.paths ?? []) add([path.from, path.to], toPathEntry(path));
  }
  return entries;
}

const VERDICT_RANKS = { audited: 1, 'warned about': 2, 'held back': 3, refused: 4 } as const;

function toFindingEntry(finding: AuditView['findings'][number]): Entry {
  const { check, object, container, reason } = finding;
  const verdict = verdictOf(finding);
  const where = container === undefined ? '' : ` in ${container}`;
  return {
    part: 'finding',
    what: nameReported(object),
    namespace: object.namespace,
    said: `${verdict}: ${check}, ${reason}${where}`,
    rank: VERDICT_RANKS[verdict],
  };
}

function toSecretEntry({ namespace, name, account, invalidSince }: SecretView): Entry {
  const isGood = invalidSince === undefined;
  return {
    part: 'secret',
    what: `Secret ${namespace}/${name}`,
    namespace,
    said: isGood ? `a token of ${account} that never expires` : `refused by the API server since ${invalidSince}`,
    rank: isGood ? 2 : 1,
  };
}

function toTokenEntry(token: TokenView): Entry {
  const { namespace, owner, account } = token;
  return {
    part: 'token',
    what: `${owner.kind} ${namespace}/${owner.name}`,
    namespace,
    said: `a token of ${account}: ${textOf(toLifetimeCell(token))}`,
    rank: token.never ? Number.MAX_SAFE_INTEGER : (token.trueSeconds ?? 0),
  };
}

function toPathEntry({ from, to, sentence }: PathView): Entry {
  return {
    part: 'access',
    what: `${nameSubject(from)} to ${nameTarget(to)}`,
    namespace: from.namespace ?? '',
    said: sentence,
    rank: 1,
  };
}

function listNotes(older: AuditView, newer: AuditView): readonly string[] {
  const missing = (
    [
      ['tokens', 'tokens of pods'],
      ['access', 'ways to a token'],
    ] as const
  ).flatMap(([part, name]) => {
    const sides = [older[part] === undefined ? 'older' : '', newer[part] === undefined ? 'newer' : ''].filter(Boolean);
    return sides.length === 0 ? [] : [`${name} are not compared: the ${sides.join(' and the ')} report has none`];
  });
  const left = [older, newer].some(({ access }) => (access?.more ?? 0) > 0);
  return [
    ...(older.cluster === newer.cluster ? [] : [`the older report is of another address: ${older.cluster}`]),
    ...(older.faults.length === 0 ? [] : ['the older report had not read everything: what is new may have been there']),
    ...(newer.faults.length === 0 ? [] : ['not everything could be read: what is gone may still be there']),
    ...missing,
    ...(left ? ['each report holds the most dangerous ways to a token alone: others may be new or gone'] : []),
  ];
}
