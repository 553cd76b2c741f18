/**
 * Answers what the index does not hold by asking the API server, without letting anybody use that to flood it: one
 * request a name at a time, few at once, a deadline, and a short memory of what was just answered.
 */

import type { Lookup } from '../objects/views.ts';
import type { KubeClient } from './api.ts';
import { type Clock, runWithDeadline } from './clock.ts';
import { describeError, describeResponse } from './sentences.ts';

const MAX_IN_FLIGHT = 32;
/**
 * How long an answer (found or absent) is used again, in ms. Short enough that an object deleted or made in between is
 * seen soon, even if the watch is down; a watch event drops the answer at once.
 */
const MEMORY_MS = 1000;
const MAX_REMEMBERED = 4096;
const MAX_OBJECT_BYTES = 8 * 1024 * 1024;

export type LiveRead<View> = {
  /** Names the object among all that are read. */
  readonly key: string;
  readonly path: string;
  readonly accept?: string;
  project(raw: unknown): View | undefined;
};

export type LiveReads<View> = {
  /** Never rejects. */
  read(read: LiveRead<View>): Promise<Lookup<View>>;
  /** The object has changed: forget what was answered. */
  forget(key: string): void;
};

export type LiveReadsOptions = {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** Counts a request that was really sent. */
  onAnswer(outcome: Lookup<unknown>['state']): void;
  /** Shared by all resources: requests now in flight. */
  readonly gate: Gate;
};

/** Counts the requests in flight. */
export type Gate = { inFlight: number };

type Running<View> = { answer: Promise<Lookup<View>> | undefined };
type Remembered<View> = { readonly answer: Lookup<View>; readonly until: number };

export function createLiveReads<View>(options: LiveReadsOptions): LiveReads<View> {
  const { clock, gate, onAnswer } = options;
  const running = new Map<string, Running<View>>();
  const remembered = new Map<string, Remembered<View>>();

  const start = async (read: LiveRead<View>, self: Running<View>): Promise<Lookup<View>> => {
    gate.inFlight += 1;
    const answer = await ask(options, read);
    gate.inFlight -= 1;
    onAnswer(answer.state);
    // If a watch event came in between, it may have said otherwise: then this read was forgotten, and so is its answer.
    if (running.get(read.key) !== self) return answer;
    running.delete(read.key);
    if (answer.state !== 'unknown') {
      remember(remembered, read.key, { answer, until: clock.now() + MEMORY_MS });
    }
    return answer;
  };

  return {
    read: (read) => {
      const known = remembered.get(read.key);
      if (known !== undefined && known.until > clock.now()) return Promise.resolve(known.answer);
      const already = running.get(read.key);
      if (already?.answer !== undefined) return already.answer;
      if (gate.inFlight >= MAX_IN_FLIGHT) {
        return Promise.resolve({ state: 'unknown', why: `too many live reads (${MAX_IN_FLIGHT} in flight)` });
      }
      const self: Running<View> = { answer: undefined };
      running.set(read.key, self);
      self.answer = start(read, self);
      return self.answer;
    },
    forget: (key) => {
      remembered.delete(key);
      running.delete(key);
    },
  };
}

async function ask<View>(options: LiveReadsOptions, read: LiveRead<View>): Promise<Lookup<View>> {
  const { client, clock, deadlineMs: ms, signal } = options;
  const { path, accept } = read;
  try {
    const response = await runWithDeadline(
      (readSignal) =>
        client.request({
          method: 'GET',
          path,
          maxAnswerBytes: MAX_OBJECT_BYTES,
          signal: readSignal,
          ...(accept === undefined ? {} : { accept }),
        }),
      { clock, ms, signal },
    );
    if (response.status === 404) return { state: 'absent' };
    if (response.status !== 200) return { state: 'unknown', why: describeResponse(response) };
    const value = read.project(response.body);
    return value === undefined ? { state: 'unknown', why: 'the answer is no such object' } : { state: 'found', value };
  } catch (error) {
    return { state: 'unknown', why: describeError(error) };
  }
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
