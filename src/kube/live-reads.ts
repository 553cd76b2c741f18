/**
 * Answers what the index does not hold by asking the API server, without letting anybody use that to flood it: one
 * request a name at a time, few at once, a deadline, a short memory of what was just answered, and an end to names that
 * do not exist.
 */

import type { Lookup } from '../objects/views.ts';
import type { AbsenceBudget } from './absence-budget.ts';
import type { KubeClient } from './api.ts';
import { type Clock, runWithDeadline } from './clock.ts';
import type { Gate } from './gate.ts';
import { describeError, describeResponse } from './sentences.ts';

/**
 * How long an answer (found or absent) is used again, in ms. Short enough that an object deleted or made in between is
 * seen soon, even if the watch is down; a watch event drops the answer at once.
 */
const MEMORY_MS = 1000;
const MAX_REMEMBERED = 4096;
const MAX_OBJECT_BYTES = 8 * 1024 * 1024;

export type LiveRead<View> = {
  /** Names the object among all that are read: `name`, or `namespace/name`. */
  readonly key: string;
  readonly path: string;
  readonly accept?: string;
  project(raw: unknown): View | undefined;
};

export type LiveReads<View> = {
  /**
   * Never rejects. With `fresh` the answer is one that was asked for after this call, whatever that costs; only for names
   * of which the API server has said that they exist.
   */
  read(read: LiveRead<View>, how?: { readonly fresh?: boolean }): Promise<Lookup<View>>;
  /** What was answered within the last second, if no event of the watch has come since. */
  recall(key: string): Lookup<View> | undefined;
  /** The object has changed: forget what was answered. */
  forget(key: string): void;
  /** All of them may have changed. */
  forgetAll(): void;
};

export type LiveReadsOptions = {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** How long an answer is waited for, in ms. */
  readonly deadlineMs: number;
  /** The same where a fresh one is wanted. */
  readonly freshDeadlineMs: number;
  readonly signal: AbortSignal;
  /** Counts a read, also one that was not sent because there were too many. */
  onAnswer(outcome: Lookup<unknown>['state']): void;
  /** Shared by all resources. */
  readonly gate: Gate;
  readonly absences: AbsenceBudget;
};

type Running<View> = {
  readonly answer: Promise<Lookup<View>>;
  /** An event of the watch came after this was asked, so it may not be what is now. */
  isOvertaken: boolean;
  /** Begins when this one has ended: what everybody waits for who came too late for this one. */
  next: Running<View> | undefined;
};
type Launch = {
  readonly fresh: boolean;
  /** Nothing is asked until this has come; waiting for it takes from the same time. */
  readonly before?: Promise<unknown>;
};
type Remembered<View> = { readonly answer: Lookup<View>; readonly until: number };

export function createLiveReads<View>(options: LiveReadsOptions): LiveReads<View> {
  const { clock, absences, onAnswer } = options;
  const running = new Map<string, Running<View>>();
  const remembered = new Map<string, Remembered<View>>();

  const launch = (read: LiveRead<View>, how: Launch): Running<View> => {
    const finish = (answer: Lookup<View>): Lookup<View> => {
      onAnswer(answer.state);
      if (answer.state === 'absent') absences.spend(namespaceOf(read.key));
      if (self.next === undefined) running.delete(read.key);
      else running.set(read.key, self.next);
      if (answer.state !== 'unknown' && !self.isOvertaken) {
        remember(remembered, read.key, { answer, until: clock.monotonic() + MEMORY_MS });
      }
      return answer;
    };
    const self: Running<View> = {
      answer: ask(options, read, how).then(finish),
      isOvertaken: false,
      next: undefined,
    };
    return self;
  };
  const recall = (key: string): Lookup<View> | undefined => {
    const known = remembered.get(key);
    return known !== undefined && known.until > clock.monotonic() ? known.answer : undefined;
  };

  return {
    read: (read, { fresh = false } = {}) => {
      const known = fresh ? undefined : recall(read.key);
      if (known !== undefined) return Promise.resolve(known);
      const current = running.get(read.key);
      if (current !== undefined && !fresh && !current.isOvertaken) return current.answer;
      if (current !== undefined) {
        current.next ??= launch(read, { fresh, before: current.answer });
        return current.next.answer;
      }
      if (!fresh && absences.isSpent(namespaceOf(read.key))) {
        onAnswer('unknown');
        return Promise.resolve({ state: 'unknown', why: 'too many names that do not exist were looked up' });
      }
      const started = launch(read, { fresh });
      running.set(read.key, started);
      return started.answer;
    },
    recall,
    forget: (key) => {
      remembered.delete(key);
      const current = running.get(key);
      if (current !== undefined) current.isOvertaken = true;
    },
    forgetAll: () => {
      remembered.clear();
      for (const current of running.values()) current.isOvertaken = true;
    },
  };
}

async function ask<View>(
  options: LiveReadsOptions,
  read: LiveRead<View>,
  { fresh, before }: Launch,
): Promise<Lookup<View>> {
  const { client, clock, signal, gate } = options;
  const ms = fresh ? options.freshDeadlineMs : options.deadlineMs;
  const { path, accept } = read;
  const request = async (readSignal: AbortSignal) => {
    await before;
    await gate.enter(readSignal);
    try {
      return await client.request({
        method: 'GET',
        path,
        maxAnswerBytes: MAX_OBJECT_BYTES,
        signal: readSignal,
        ...(accept === undefined ? {} : { accept }),
      });
    } finally {
      gate.leave();
    }
  };
  try {
    const response = await runWithDeadline(request, { clock, ms, signal });
    if (response.status === 404) return { state: 'absent' };
    if (response.status !== 200) return { state: 'unknown', why: describeResponse(response) };
    const value = read.project(response.body);
    return value === undefined ? { state: 'unknown', why: 'the answer is no such object' } : { state: 'found', value };
  } catch (error) {
    return { state: 'unknown', why: describeError(error) };
  }
}

/** Of a namespace itself, none. */
function namespaceOf(key: string): string {
  return key.slice(0, Math.max(0, key.indexOf('/')));
}

/** The oldest answers go first: a Map keeps the order in which keys were set. */
function remember<View>(remembered: Map<string, Remembered<View>>, key: string, entry: Remembered<View>): void {
  remembered.delete(key);
  remembered.set(key, entry);
  for (const oldest of remembered.keys()) {
    if (remembered.size <= MAX_REMEMBERED) return;
    remembered.delete(oldest);
  }
}
