/**
 * Leaves out what is data for people and for tests: a rule's examples are what it is tested by, and nothing is decided by
 * its title. What a finding says is not left out.
 */

import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

const WORDS = new Set(['examples', 'title', 'why', 'since', 'description']);

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, 'words', {
    shouldIgnore({ node }) {
      const isWords = node.type === 'ObjectProperty' && node.key.type === 'Identifier' && WORDS.has(node.key.name);
      return isWords ? 'data for people and for tests' : undefined;
    },
  }),
];
