/** What there is of accounts, pods and Secrets, and the nodes for some of them: `the accounts of the pods of shop`. */

import type { GraphStore } from './graph.ts';
import { accountKey, accountsInKey, EVERY_ACCOUNT } from './graph.ts';
import type { AccessAccount, AccessInput } from './input.ts';
import type { Names } from './rights.ts';

/** Where a right holds: everywhere, in each namespace but for nothing that is in none, or in one namespace. */
export const EVERYWHERE = '*';
export const EACH = '+';

/** Something by whose name one gets at accounts: a pod, a Secret, an account itself. */
type Item = { readonly namespace: string; readonly name: string; readonly accounts: readonly number[] };

type SomeSet = { readonly key: string; readonly text: string; readonly isLimited?: boolean };

type Shelf = {
  readonly all: Item[];
  readonly byNamespace: Map<string, Map<string, Item>>;
  readonly byName: Map<string, Item[]>;
};

/** `accounts`: those that are there. `names`: every name that is bound, made or not, which is enough to impersonate. */
export type ShelfName = 'accounts' | 'names' | 'pods' | 'secrets';

export type Places = {
  /** Numbers of the accounts that are there, by namespace. */
  readonly accountsIn: ReadonlyMap<string, readonly number[]>;
  readonly podsOf: ReadonlyMap<number, number>;
  /** The accounts that are there, and not only named. */
  readonly made: ReadonlySet<number>;
  /** The nodes that a right on these objects, by these names or all, leads to. */
  target(shelf: ShelfName, scope: string, names: Names): readonly number[];
  /** The node for the accounts of pods on this node of the cluster, or on all. */
  podsOn(nodes: Names): readonly number[];
  /** Namespaces in reach of `scope` that hold a token Secret of such a name. */
  namespacesOfSecrets(scope: string, names: Names): readonly string[];
  /** As `target`, for what is done within limits that the account itself has not. */
  limited(scope: string, names: Names): readonly number[];
};

const WORDS: Readonly<Record<ShelfName, string>> = {
  accounts: 'accounts',
  names: 'accounts, made or not,',
  pods: 'accounts of running pods',
  secrets: 'accounts with a token Secret',
};

/** @param bound - every account that a binding names */
export function createPlaces(store: GraphStore, input: AccessInput, bound: Iterable<AccessAccount>): Places {
  const accountNode = (namespace: string, name: string) =>
    store.add(accountKey(namespace, name), () => ({
      type: 'subject',
      subject: { kind: 'ServiceAccount', namespace, name },
    }));
  const pods = [...input.pods];
  const secrets = [...input.secrets];
  const listed = input.accounts ?? [
    ...bound,
    ...pods.map(({ namespace, account }) => ({ namespace, name: account })),
    ...secrets.map(({ namespace, account }) => ({ namespace, name: account })),
  ];
  const toItem = ({ namespace, name }: AccessAccount): Item => ({
    namespace,
    name,
    accounts: [accountNode(namespace, name)],
  });
  const accounts = shelve([...listed].map(toItem));
  const isThere = (namespace: string, name: string) => accounts.byNamespace.get(namespace)?.has(name) === true;
  const secretShelf = shelve(
    secrets
      .filter(({ namespace, account }) => isThere(namespace, account))
      .map(({ namespace, name, account }) => ({ namespace, name, accounts: [accountNode(namespace, account)] })),
  );
  const podItems = pods.flatMap((pod) => {
    const own = pod.hasToken && isThere(pod.namespace, pod.account) ? [accountNode(pod.namespace, pod.account)] : [];
    const read = pod.secrets.flatMap((name) => secretShelf.byNamespace.get(pod.namespace)?.get(name)?.accounts ?? []);
    const held = [...new Set([...own, ...read])];
    return held.length === 0 ? [] : [{ namespace: pod.namespace, name: pod.name, node: pod.node, accounts: held }];
  });
  const shelves: Readonly<Record<ShelfName, Shelf>> = {
    accounts,
    names: shelve([...[...bound].map(toItem), ...accounts.all]),
    pods: shelve(podItems),
    secrets: secretShelf,
  };
  const podsByNode = Map.groupBy(podItems, ({ node }) => node);
  const podsOf = new Map<number, number>();
  for (const pod of pods) {
    const id = store.idOf(accountKey(pod.namespace, pod.account));
    if (id !== undefined) podsOf.set(id, (podsOf.get(id) ?? 0) + 1);
  }
  const accountsIn = new Map(
    [...accounts.byNamespace].map(([namespace, items]) => [
      namespace,
      [...items.values()].flatMap(({ accounts }) => accounts),
    ]),
  );

  /** A set that is made once; nothing if it is empty. */
  function some({ key, text, isLimited = false }: SomeSet, items: () => Iterable<Item>): readonly number[] {
    const found = store.idOf(key);
    if (found !== undefined) return [found];
    const members = [...new Set(Array.from(items(), ({ accounts }) => accounts).flat())];
    if (members.length === 0) return [];
    // One by itself needs no set, unless it is not had as a whole.
    if (members.length === 1 && !isLimited) return members;
    const id = store.add(key, () => ({ type: 'some', text, isLimited }));
    store.members.set(id, members);
    return [id];
  }

  function everyOne(scope: string): readonly number[] {
    if (scope === EVERYWHERE || scope === EACH) return [store.add(EVERY_ACCOUNT, () => ({ type: 'every-account' }))];
    const members = accountsIn.get(scope) ?? [];
    if (members.length === 0 && input.accounts !== undefined) return [];
    return [
      store.add(
        accountsInKey(scope),
        () => ({ type: 'accounts-in', namespace: scope }),
        (id) => store.members.set(id, members),
      ),
    ];
  }

  function target(name: ShelfName, scope: string, names: Names): readonly number[] {
    const shelf = shelves[name];
    const isEach = scope === EVERYWHERE || scope === EACH;
    const place = isEach ? 'everywhere' : `in ${scope}`;
    if (names === undefined) {
      const isEvery = name === 'accounts' || name === 'names';
      const every = isEvery ? everyOne(scope) : [];
      if (name === 'accounts') return every;
      const items = () => (isEach ? shelf.all : (shelf.byNamespace.get(scope)?.values() ?? []));
      const isMade = ({ namespace, name }: Item) => isThere(namespace, name);
      const rest = () => (name === 'names' ? [...items()].filter((item) => !isMade(item)) : items());
      return [...every, ...some({ key: `${name}:${isEach ? EACH : scope}`, text: `${WORDS[name]} ${place}` }, rest)];
    }
    if (!isEach) {
      const within = shelf.byNamespace.get(scope);
      if (within === undefined) return [];
      return [...new Set(pick(within, names).flatMap(({ accounts }) => accounts))];
    }
    return [...names].flatMap((one) =>
      some(
        { key: `${name}-named:${one}`, text: `${WORDS[name]} named ${one} everywhere` },
        () => shelf.byName.get(one) ?? [],
      ),
    );
  }

  return {
    accountsIn,
    podsOf,
    made: new Set(accounts.all.flatMap(({ accounts }) => accounts)),
    target,
    podsOn(nodes) {
      if (nodes === undefined) return target('pods', EACH, undefined);
      return [...nodes].flatMap((node) =>
        node === ''
          ? []
          : some(
              { key: `pods-on:${node}`, text: `accounts of pods on node ${node}` },
              () => podsByNode.get(node) ?? [],
            ),
      );
    },
    namespacesOfSecrets(scope, names) {
      const { byNamespace, byName } = shelves.secrets;
      if (scope !== EVERYWHERE && scope !== EACH) {
        const within = byNamespace.get(scope);
        return within !== undefined && (names === undefined || pick(within, names).length > 0) ? [scope] : [];
      }
      if (names === undefined) return [...byNamespace.keys()];
      return [...new Set([...names].flatMap((one) => (byName.get(one) ?? []).map(({ namespace }) => namespace)))];
    },
    limited(scope, names) {
      const isEach = scope === EVERYWHERE || scope === EACH;
      const place = isEach ? 'everywhere' : `in ${scope}`;
      if (names === undefined) {
        const items = () => (isEach ? accounts.all : (accounts.byNamespace.get(scope)?.values() ?? []));
        return some(
          { key: `limited:${isEach ? EACH : scope}`, text: `accounts ${place}, within limits`, isLimited: true },
          items,
        );
      }
      return [...names].flatMap((one) =>
        some(
          {
            key: `limited-named:${isEach ? EACH : scope}/${one}`,
            text: `account ${one} ${place}, within limits`,
            isLimited: true,
          },
          () => (isEach ? (accounts.byName.get(one) ?? []) : [accounts.byNamespace.get(scope)?.get(one) ?? []].flat()),
        ),
      );
    },
  };
}

/** Whichever of the two is fewer is gone through. */
function pick(within: ReadonlyMap<string, Item>, names: ReadonlySet<string>): readonly Item[] {
  if (names.size <= within.size) return [...names].flatMap((name) => within.get(name) ?? []);
  return [...within.values()].filter(({ name }) => names.has(name));
}

function shelve(items: readonly Item[]): Shelf {
  const shelf: Shelf = { all: [...items], byNamespace: new Map(), byName: new Map() };
  for (const item of items) {
    const within = shelf.byNamespace.get(item.namespace) ?? new Map<string, Item>();
    shelf.byNamespace.set(item.namespace, within.set(item.name, item));
    const named = shelf.byName.get(item.name) ?? [];
    shelf.byName.set(item.name, named);
    named.push(item);
  }
  return shelf;
}
