/**
 * The functions over records, for the outputs of `aggregate`. All except `count()` skip records for which their value
 * is null.
 */
import type { FunctionEntry } from '../functions/entry.ts'

const aggregate = (
  name: string,
  takes: readonly string[],
  gives: string,
  doc: string,
  example: readonly [string, string],
  flink: string,
): FunctionEntry => ({
  name,
  group: 'aggregates',
  doc,
  example,
  flink,
  special: true,
  forms: takes.map((each) => ({ takes: each, gives })),
})

/** Documentation, and the names. Examples use the integers 3, 1, 2 as x, in this order of time. */
export const aggregateFunctions: readonly FunctionEntry[] = [
  aggregate(
    'count',
    ['', 'x: any'],
    'integer',
    'The number of records, or of those for which x is not null.',
    ['count()', '3'],
    'COUNT(*), COUNT(x)',
  ),
  aggregate(
    'sum',
    ['x: integer, bigint, number or decimal'],
    'its type',
    'The sum. For integers and decimals it is exact, and only a final result that does not fit is an error, not an intermediate one. A decimal(p,s) gives decimal(38,s).',
    ['sum(x)', '6'],
    'SUM(x)',
  ),
  aggregate(
    'avg',
    ['x: integer, bigint, number or decimal'],
    'number or decimal',
    'The sum divided by the count. Of integers and numbers: the nearest number. Of decimals and bigints: a decimal of 38 digits with as many after the point as they have, at least 6, rounded half away from zero; avg(double(x)) is a number; use divide(sum(x), count(), 2) for a different number of digits.',
    ['avg(x)', '2'],
    'AVG(CAST(x AS DOUBLE)), of decimals AVG(x)',
  ),
  aggregate('min', ['x: T'], 'T', 'The smallest value.', ['min(x)', '1'], 'MIN(x)'),
  aggregate('max', ['x: T'], 'T', 'The largest value.', ['max(x)', '3'], 'MAX(x)'),
  aggregate(
    'first',
    ['x: T'],
    'T',
    'The value of the first record: by event time, then source and split, then position.',
    ['first(x)', '3'],
    'FIRST_VALUE(x)',
  ),
  aggregate(
    'last',
    ['x: T'],
    'T',
    'The value of the last record: by event time, then source and split, then position.',
    ['last(x)', '2'],
    'LAST_VALUE(x)',
  ),
  aggregate(
    'count_distinct',
    ['x: T'],
    'integer',
    'The number of distinct values. Each is kept, so memory grows with them.',
    ['count_distinct(x)', '3'],
    'COUNT(DISTINCT x)',
  ),
  aggregate(
    'approx_count_distinct',
    ['x: T'],
    'integer',
    'About the number of distinct values, by HyperLogLog: exact up to 64, beyond that with a standard error of 1.6 %. Takes at most 4 kB a group, however many there are.',
    ['approx_count_distinct(x)', '3'],
    'APPROX_COUNT_DISTINCT(x), in batch mode',
  ),
]

/** The names of all aggregates. */
export const aggregateNames: ReadonlySet<string> = new Set(aggregateFunctions.map(({ name }) => name))
