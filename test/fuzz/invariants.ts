/** What holds of everything that Curfew says, whatever it was given. Outside of a test runner, so by plain errors. */

import { deepStrictEqual, ok } from 'node:assert/strict';
import { TOKEN_SIGNATURE } from './kubernetes.ts';

/** Breaks a line, moves a terminal's cursor or turns the direction of the text after it. */
const UNCLEAN = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** One line for people. */
export function checkLine(line: string, what: string): void {
  ok(!UNCLEAN.test(line), `${what} has a control character: ${JSON.stringify(line)}`);
  ok(line.isWellFormed(), `${what} has a lone surrogate: ${JSON.stringify(line)}`);
  checkSecrecy(line, what);
}

/** Lines for a terminal: line ends and nothing else that a terminal obeys. */
export function checkText(text: string, what: string): void {
  for (const line of text.split('\n')) checkLine(line, what);
}

/** Neither a token nor a part of it that is worth anything. */
export function checkSecrecy(text: string, what: string): void {
  ok(!text.includes(TOKEN_SIGNATURE), `${what} shows a token`);
}

/** The same JSON, whatever made it: objects of some generators have no prototype. */
export function checkSame(one: unknown, other: unknown, message?: string): void {
  deepStrictEqual(structuredClone(one), structuredClone(other), message);
}

/** The same question has the same answer. */
export function askTwice<T>(ask: () => T): T {
  const first = ask();
  deepStrictEqual(ask(), first, 'the second answer is another one');
  return first;
}
