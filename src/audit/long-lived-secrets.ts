/** Secrets with a token that never expires: how old they are, who uses them, and whether Kubernetes itself will end them. */

import type { Static } from 'typebox';
import { asString, valueAt } from '../objects/json.ts';
import { LAST_USED_LABEL, readInvalidSince } from '../objects/legacy-token.ts';
import type { Subject } from '../objects/subject.ts';
import { ACCOUNT_NAME_ANNOTATION } from '../objects/views.ts';
import { closed, count, list, oneOf, perhaps, text } from './schema-parts.ts';
import type { SecretUses } from './secret-uses.ts';
import { MOST_USES, toKey } from './secret-uses.ts';

const SecretUseSchema = closed(
  {
    kind: text(),
    namespace: text(),
    name: text(),
    how: text('A few words: `mounted as volume ci`, `listed in .secrets`.'),
  },
  'One use of it: by a pod or a template that mounts or reads it, or by an account that lists it.',
);

export const LongLivedSecretSchema = closed(
  {
    namespace: text(),
    name: text(),
    account: text('The service account whose token it holds.'),
    createdAt: text('As the API server writes it (RFC 3339).'),
    lastUsed: perhaps(text('The day on which somebody used it last, if the API server has noted one (KEP-2799).')),
    invalidSince: perhaps(text('The day since when the API server refuses it; absent while it is good.')),
    ageDays: count('Whole days since it was made.'),
    usedBy: list(SecretUseSchema, `At most ${MOST_USES}.`),
    cleaning: oneOf(
      ['in-tree', 'never'],
      'Whether the cleaner of kube-controller-manager will ever touch it as things are (KEP-2799).',
    ),
    cleaningReason: text('One sentence.'),
  },
  'A Secret with a token that never expires.',
);

export type LongLivedSecret = Static<typeof LongLivedSecretSchema>;
export type SecretUse = Static<typeof SecretUseSchema>;

const ACCOUNT_UID = 'kubernetes.io/service-account.uid';
const MS_PER_DAY = 86_400_000;

export type LongLivedFacts = {
  readonly uses: SecretUses;
  /** The uid of an account; undefined if there is no such account. */
  readonly uidOfAccount: (namespace: string, name: string) => string | undefined;
  /** False where accounts or pods could not be listed: then what is not seen may be there. */
  readonly isWhole: boolean;
  /** In ms since the epoch. */
  readonly now: number;
};

/** @param secret - its metadata */
export function describeLongLived(secret: Subject, facts: LongLivedFacts): LongLivedSecret {
  const { namespace, name, object } = secret;
  const metadata = (...path: readonly string[]) => asString(valueAt(object, ['metadata', ...path]));
  const createdAt = metadata('creationTimestamp') ?? '';
  const [lastUsed, invalidSince] = [metadata('labels', LAST_USED_LABEL), readInvalidSince(object)];
  const age = Math.floor((facts.now - Date.parse(createdAt)) / MS_PER_DAY);
  return {
    namespace,
    name,
    account: metadata('annotations', ACCOUNT_NAME_ANNOTATION) ?? '',
    createdAt,
    ...(lastUsed === undefined ? {} : { lastUsed }),
    ...(invalidSince === undefined ? {} : { invalidSince }),
    ageDays: Number.isFinite(age) ? Math.max(0, age) : 0,
    usedBy: facts.uses.uses.get(toKey(namespace, name)) ?? [],
    ...foreseeCleaning(secret, facts),
  };
}

/** As pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go decides it (1.30 to 1.37). */
function foreseeCleaning(
  { namespace, name, object }: Subject,
  { uses, uidOfAccount, isWhole }: LongLivedFacts,
): Pick<LongLivedSecret, 'cleaning' | 'cleaningReason'> {
  const key = toKey(namespace, name);
  const account = asString(valueAt(object, ['metadata', 'annotations', ACCOUNT_NAME_ANNOTATION])) ?? '';
  const uid = asString(valueAt(object, ['metadata', 'annotations', ACCOUNT_UID]));
  const never = (cleaningReason: string) => ({ cleaning: 'never' as const, cleaningReason });
  if (uses.inPods.has(key))
    return never('A pod refers to it, and the cleaner leaves such a Secret as long as one does.');
  if (!uses.listed.has(key)) {
    const unsure = isWhole ? '' : ' (as far as accounts could be listed)';
    return never(
      `No account lists it in .secrets${unsure}, so the cleaner takes it for one that a person made, and leaves it.`,
    );
  }
  const known = uidOfAccount(namespace, account);
  if (known === undefined) return never('Its account is not there: the token controller deletes it, not the cleaner.');
  if (uid !== known) return never('It is of an earlier account of that name: the token controller deletes it.');
  const lastUsed = asString(valueAt(object, ['metadata', 'labels', LAST_USED_LABEL]));
  if (lastUsed !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(lastUsed)) {
    return never(`Its label ${LAST_USED_LABEL} is no day, and the cleaner leaves what it cannot read.`);
  }
  const next =
    readInvalidSince(object) === undefined
      ? 'the cleaner makes it invalid when it has not been used for a year, and deletes it a year later'
      : 'the cleaner deletes it a year after it was made invalid';
  return { cleaning: 'in-tree', cleaningReason: `Its account lists it in .secrets and no pod refers to it: ${next}.` };
}
