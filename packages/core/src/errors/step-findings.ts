/** Findings of expressions, of the built-in steps and of the connectors that come with the command. */
import type { CatalogueEntry } from './entry.ts'

/** By code. */
export const stepFindingEntries = {
  bad_expression: {
    title: 'expression cannot be read',
    explanation: 'The text is not a valid CEL expression.',
  },
  unknown_function: {
    title: 'unknown function',
    explanation: 'There is no function with this name.',
  },
  wrong_arguments: {
    title: 'wrong arguments',
    explanation: 'The number or the types of the arguments are wrong.',
  },
  maybe_null: {
    title: 'value may be null',
    explanation: 'An optional field may be null, and comparing or computing with null has no result.',
    hint: 'guard it: `has(x) && ...`, `x != null && ...`, or coalesce(x, 0)',
  },
  not_repeatable: {
    title: 'not the same in every run',
    explanation:
      'Clocks and random numbers would give different results when records are processed again after a crash.',
    hint: 'use a time from the record',
  },
  not_aggregated: {
    title: 'field outside an aggregate',
    explanation: 'A result consists of the fields it is grouped by and of aggregates such as sum(x).',
  },
  duplicate_field: {
    title: 'field given twice',
    explanation: 'A record can have each field only once.',
    hint: 'rename or remove one of them',
  },
  bad_pattern: {
    title: 'regular expression cannot be read',
    explanation: 'Patterns are RE2: no back references and no look-around.',
  },
  out_of_range: { title: 'number too large', explanation: 'The number does not fit its type.' },
  bad_address: { title: 'address cannot be read', explanation: 'An address is a host and a port: `127.0.0.1:8080`.' },
  open_to_all: {
    title: 'open to everyone',
    explanation: 'On an address that others can reach, anyone could post records.',
    hint: 'add `token` or `signature`, or listen on 127.0.0.1',
  },
  missing_option: { title: 'missing option', explanation: 'This option requires another one.' },
} as const satisfies Record<string, CatalogueEntry>
