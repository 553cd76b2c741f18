/** `curfew who-can`: who can obtain a token of an account, and whose tokens an identity can obtain. */

import type { AccessGoal, AccessPath } from '../access/access-report.ts';
import { analyzeAccess } from '../access/analyze.ts';
import { findPathsFrom, findPathsTo, readGoal, readSubject } from '../access/ask.ts';
import { formatGoal, formatSubject } from '../access/describe-path.ts';
import type { AccessSubject } from '../access/input.ts';
import { MOST_PATHS, readAccess } from '../audit/read-access.ts';
import { quote, toOneLine } from '../objects/text.ts';
import { renderPaths } from '../reports/access-table.ts';
import type { CommandIo } from './commands/context.ts';
import type { ClusterChoice } from './connect-cluster.ts';
import { connectCluster } from './connect-cluster.ts';

export type WhoCanOptions = ClusterChoice & {
  readonly from?: string;
  readonly builtIn: boolean;
  readonly output: 'table' | 'json';
};

/** What was asked, as it was understood. */
type Question = { readonly to?: AccessGoal; readonly from?: AccessSubject };

/** Writes the answer: 0 if there is no path, 1 if there is one, 2 if something could not be read. */
export async function whoCan(account: string | undefined, options: WhoCanOptions, io: CommandIo): Promise<0 | 1 | 2> {
  const question = readQuestion(account, options.from);
  const faults: { message: string }[] = [];
  const { graph, isComplete } = await readAccess({ client: await connectCluster(options), signal: io.signal }, faults);
  const answer = answerTo(question, options.builtIn);
  if (options.output === 'json')
    io.write(`${JSON.stringify({ complete: isComplete, ...question, ...answer, faults }, undefined, 2)}\n`);
  else {
    for (const { message } of faults) io.write(`Cannot be read: ${toOneLine(message)}\n`);
    io.write(`${toOneLine(describe(question, answer.paths))}\n${renderPaths(answer.paths, answer.more)}`);
  }
  if (!isComplete) return 2;
  return answer.paths.length > 0 ? 1 : 0;

  function answerTo({ from, to }: Question, withBuiltIn: boolean) {
    if (from !== undefined) {
      const found = findPathsFrom(graph, from, MOST_PATHS);
      if (found === undefined && isComplete)
        throw new Error(`${formatSubject(from)} is bound to no role, and is no account`);
      return found ?? { paths: [], more: 0 };
    }
    if (to !== undefined) {
      const found = findPathsTo(graph, to, { most: MOST_PATHS, withBuiltIn });
      if (found === undefined && isComplete) throw new Error(`there is no account ${formatGoal(to)}`);
      return found ?? { paths: [], more: 0 };
    }
    const { paths, more } = analyzeAccess(graph, { withBuiltIn, mostPaths: MOST_PATHS, isComplete });
    return { paths, more };
  }
}

/** @throws Error with a sentence about what cannot be understood */
function readQuestion(account: string | undefined, identity: string | undefined): Question {
  if (account !== undefined && identity !== undefined)
    throw new Error('an account, or --from with an identity, is wanted, and not both');
  if (identity !== undefined) {
    const from = readSubject(identity);
    if (from === undefined)
      throw new Error(
        `${quote(identity)} is no identity; ServiceAccount:NAMESPACE/NAME, User:NAME or Group:NAME is wanted`,
      );
    return { from };
  }
  if (account === undefined) return {};
  const to = readGoal(account);
  if (to === undefined)
    throw new Error(`${quote(account)} is no account; NAMESPACE/NAME, NAMESPACE/*, * or cluster-admin is wanted`);
  return { to };
}

function describe({ from, to }: Question, paths: readonly AccessPath[]): string {
  if (from !== undefined)
    return `${formatSubject(from)} can obtain the token of ${paths.length === 0 ? 'nobody' : 'these'}${paths.length === 0 ? '' : ':'}`;
  const what =
    to === undefined ? 'a token of another' : to === 'cluster-admin' ? 'everything' : `a token of ${formatGoal(to)}`;
  return paths.length === 0 ? `Nobody can obtain ${what}` : `Who can obtain ${what}:`;
}
