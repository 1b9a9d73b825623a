/** Findings of expressions, of the built-in steps and of the connectors that come with the command. */
import type { CatalogueEntry } from './entry.ts'

/** By code. */
export const stepFindingEntries = {
  bad_expression: {
    title: 'expression cannot be read',
    explanation: 'The text is no expression of the Common Expression Language.',
  },
  unknown_function: {
    title: 'unknown function',
    explanation: 'Expressions know a fixed set of functions; none has this name.',
  },
  wrong_arguments: {
    title: 'wrong arguments',
    explanation: 'The function takes another number of arguments, or other ones.',
  },
  maybe_null: {
    title: 'value may be null',
    explanation: 'An optional field may be null, and comparing or computing with null has no answer.',
    hint: 'guard it: `has(x) && ...`, `x != null && ...`, or coalesce(x, 0)',
  },
  not_repeatable: {
    title: 'not the same at every run',
    explanation: 'Clocks and random numbers would give other results when records come again after a crash.',
    hint: 'use a time that stands in the record',
  },
  not_aggregated: {
    title: 'field outside an aggregate',
    explanation: 'A result of a group is made of fields it is grouped by and of aggregates such as sum(x).',
  },
  duplicate_field: {
    title: 'field given twice',
    explanation: 'A record has each field once.',
    hint: 'rename or leave out one of them',
  },
  bad_pattern: {
    title: 'regular expression cannot be read',
    explanation: 'Patterns are RE2: no back references and no look-around.',
  },
  out_of_range: { title: 'number too large', explanation: 'The number does not fit its type.' },
  bad_address: { title: 'address cannot be read', explanation: 'An address is a host and a port: `127.0.0.1:8080`.' },
  open_to_all: {
    title: 'open to everybody',
    explanation: 'On an address that others can reach, anyone could post records.',
    hint: 'add `token` or `hmac`, or listen on 127.0.0.1',
  },
  missing_option: { title: 'option needed by another', explanation: 'An option has no meaning without another one.' },
} as const satisfies Record<string, CatalogueEntry>
