/** How long an API server takes to create a pod in each of several namespaces, which admission treats differently. */

import type { JsonObject } from '../src/objects/json.ts';
import { createRandom, type Random } from '../test/seeded-random.ts';
import { openConnection, toRequest } from './connection.ts';
import { submittedPod } from './pods.ts';

/** So that the orders are the same in each run. */
const SEED = 38;

type Server = {
  readonly server: string;
  readonly certificateAuthority: string;
  readonly admin: { readonly certificate: string; readonly privateKey: string };
};

type Plan<Namespace extends string> = {
  readonly namespaces: readonly Namespace[];
  readonly rounds: number;
  /** Rounds before those, which are not counted. */
  readonly warmUp: number;
  /** Number of the plan: those of one run have other orders. */
  readonly start?: number;
  /** By default one that gets an API token. */
  readonly podOf?: (name: string) => JsonObject;
  /** Throws where what was answered is not what is measured. */
  readonly check?: (namespace: Namespace, answer: string) => void;
};

/** One request after the other over one connection, to each namespace in turn. In ms, in the order of the rounds. */
export async function createPods<Namespace extends string>(
  { server, certificateAuthority, admin }: Server,
  { namespaces, rounds, warmUp, start = 0, podOf = submittedPod, check }: Plan<Namespace>,
): Promise<Readonly<Record<Namespace, number[]>>> {
  const tls = { ca: certificateAuthority, cert: admin.certificate, key: admin.privateKey };
  const connection = await openConnection({ port: Number(new URL(server).port), tls });
  const times = Object.fromEntries(namespaces.map((name) => [name, []])) as unknown as Record<Namespace, number[]>;
  const random = createRandom(SEED + start);
  for (let round = -warmUp; round < rounds; round += 1) {
    // What a request finds in the caches is what the one before it left: so each comes after each other one, by chance.
    for (const name of shuffle(namespaces, random)) {
      const body = JSON.stringify(podOf(`pod-${round + warmUp}`));
      // A dry run passes all of admission, and nothing is written to the disk that others use too.
      const answer = await connection.send(toRequest(`/api/v1/namespaces/${name}/pods?dryRun=All`, body));
      const text = answer.body.toString();
      if (answer.status !== 201) throw new Error(`${name}: ${answer.status} ${text.slice(0, 400)}`);
      check?.(name, text);
      if (round >= 0) times[name].push(answer.ms);
    }
  }
  connection.close();
  return times;
}

function shuffle<Item>(items: readonly Item[], random: Random): readonly Item[] {
  const left = [...items];
  return items.flatMap(() => left.splice(random.below(left.length), 1));
}
