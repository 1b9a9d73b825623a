/** Findings in pages. */
import type { CatalogueEntry } from './entry.ts'

export const pageFindings = {
  unknown_collection: {
    title: 'no such collection',
    explanation: 'No pipeline of the project writes a collection or table of this name to this connection.',
    hint: '`pipe plan` shows what a spec writes',
  },
  unknown_query: {
    title: 'no such query',
    explanation: 'The page has no query of this name.',
    hint: 'add it under `queries`',
  },
  unknown_input: {
    title: 'no such input',
    explanation: 'The page has no input of this name.',
    hint: 'add it under `inputs`',
  },
  unknown_page: {
    title: 'no such page',
    explanation: 'The project has no page of this name.',
    hint: '`pipe pages` lists them',
  },
  unused_query: {
    title: 'query that nothing shows',
    explanation: 'No element and no other query reads this query, so it is never run.',
    hint: 'show it in an element, or remove it',
    severity: 'warning',
  },
  not_queried: {
    title: 'cannot be queried',
    explanation: 'What a sink of this type has written can only be read by a pipeline.',
    hint: 'read a collection of a documents store, or a table',
  },
  reads_all: {
    title: 'reads a whole table',
    explanation:
      'The store bills every read, so a query must give the key, or the first field of an index. An optional input does not count, since it may be empty.',
    hint: 'add a condition on the key, or allow it with `scan: true`',
  },
  no_index: {
    title: 'look-up without an index',
    explanation: 'The store reads all of the collection to find the rows with this value.',
    hint: 'add `indexes` to the sink that writes the collection',
    severity: 'warning',
  },
  sum_of_distinct: {
    title: 'sum of distinct counts',
    explanation:
      'A value that occurs in several groups is counted in each of them, so the sum is greater than the number of distinct values.',
    hint: 'count the values in a pipeline, over the whole range',
  },
  average_of_averages: {
    title: 'average of averages',
    explanation: 'A group of one record weighs as much as a group of a million.',
    hint: 'keep sum and count in the collection: sum(total) / sum(count)',
  },
} as const satisfies Record<string, CatalogueEntry>
