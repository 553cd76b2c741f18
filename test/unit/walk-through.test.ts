import { describe, expect, it } from 'vitest';
import { matchesPrinted, parsePage } from '../../e2e/walk-through.ts';

const FENCE = '```';

/** A page of these blocks, each an info string and its lines. */
function page(...blocks: readonly (readonly [string, ...string[]])[]): string {
  return blocks
    .map(([info, ...lines]) => ['A sentence.', '', `${FENCE}${info}`, ...lines, FENCE, ''].join('\n'))
    .join('\n');
}

describe('A page that is walked through', () => {
  it('has files, commands with what they print, and what is not run', () => {
    const text = page(
      ['yaml web.yaml', 'kind: Pod'],
      ['console', '$ kubectl apply \\', '    -f web.yaml', 'pod/web created', '$ kubectl get pods'],
      ['console eventually', '$ true'],
      ['sh not-run', 'helm install curfew'],
    );
    const { blocks, notRun, file } = parsePage(text, 'page.md');
    expect(blocks).toEqual([
      { kind: 'file', name: 'web.yaml', text: 'kind: Pod\n', line: 3 },
      {
        kind: 'console',
        isEventual: false,
        line: 9,
        steps: [
          { command: 'kubectl apply \\\n    -f web.yaml', printed: ['pod/web created'], line: 10 },
          { command: 'kubectl get pods', printed: [], line: 13 },
        ],
      },
      { kind: 'console', isEventual: true, line: 18, steps: [{ command: 'true', printed: [], line: 19 }] },
      { kind: 'not-run', text: 'helm install curfew\n', line: 24 },
    ]);
    expect(notRun).toEqual(['helm install curfew']);
    expect(file('web.yaml')).toBe('kind: Pod\n');
    expect(() => file('other.yaml')).toThrow('page.md: no block is the file other.yaml');
  });

  it.each([
    [['sh', 'kubectl get pods'], 'page.md:3: a block of "sh", which nobody would run'],
    [['', 'kubectl get pods'], 'page.md:3: a block of "", which nobody would run'],
    [['yaml', 'kind: Pod'], 'page.md:3: a block of "yaml", which nobody would run'],
    [['yaml ../web.yaml', 'kind: Pod'], 'which nobody would run'],
    [['console sometimes', '$ true'], 'which nobody would run'],
    [['console', 'kubectl get pods'], 'page.md:3: a console block begins with a command'],
    [['console'], 'page.md:3: a console block without a command'],
  ] as const)('has no block of which nobody knows what it is: %j', (block, message) => {
    expect(() => parsePage(page(block), 'page.md')).toThrow(message);
  });

  it('has no block without an end', () => {
    expect(() => parsePage(`${FENCE}console\n$ true\n`, 'page.md')).toThrow('page.md:1: the block has no end');
  });
});

describe('What a command prints', () => {
  it.each([
    ['pod/web created\n', ['pod/web created']],
    ['pod/web created  \n\n', ['pod/web created', '']],
    ['', []],
    ['NAME   AGE\nweb    12s\n', ['NAME   AGE', 'web    ...']],
    ['NAME           AGE\nweb-7f9c-abc   12s\n', ['NAME       AGE', 'web-...    12s']],
    ['a\nb\nc\nd\n', ['a', '...', 'd']],
    ['a\nd\n', ['a', '...', 'd']],
    ['a\nb\n', ['a', '...']],
    ['x (y) [z] $1 a.b\n', ['x (y) [z] $1 a.b']],
  ])('is what the page shows: %j', (text, expected) => {
    expect(matchesPrinted(text, expected)).toBe(true);
  });

  it.each([
    ['pod/web unchanged\n', ['pod/web created']],
    ['pod/web created\nWarning: more\n', ['pod/web created']],
    ['Warning: more\npod/web created\n', ['pod/web created']],
    ['', ['pod/web created']],
    ['pod/web created\n', []],
    ['aXb\n', ['a.b']],
    ['a  b\n', ['a b']],
    ['a\nb\n', ['a', '...', 'd']],
  ])('is not what the page shows: %j', (text, expected) => {
    expect(matchesPrinted(text, expected)).toBe(false);
  });
});
