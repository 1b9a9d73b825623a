/** The keys of a page, as options. */
import { option } from '../connector/options.ts'
import type { Shape } from '../spec/index.ts'

const part = option.any
const name = (description: string) => option.text(description, { minLength: 1 })
const names = (description: string, more?: { example?: unknown }) =>
  option.list(option.text('A name.', { minLength: 1 }), description, more)

/** `pages/NAME.yaml`. */
export const pageShape: Shape = {
  version: option.integer('The version of the page language: 1.', { example: 1 }),
  name: option.text('The name of the page: letters, digits, `_` and `-`.', { example: 'invoices' }),
  title: option.optional(option.text('What the page is headed. Default: its name.')),
  description: option.optional(option.text('A one-sentence description.')),
  connection: option.optional(name('The connection whose collections the queries read.')),
  refresh: option.optional(
    option.anyOf(
      [option.oneOf(['live'], 'After every write that touches it.'), option.duration('At this interval.')],
      'When the page asks again by itself. Default: when somebody asks.',
      { example: '30s' },
    ),
  ),
  inputs: option.optional(part('What the reader of the page fills in, by name: `inputs.NAME` in expressions.')),
  queries: option.optional(part('The queries, by name.')),
  elements: option.optional(part('What the page shows, from top to bottom.')),
}

/** One of `inputs:`. */
export const inputShape: Shape = {
  type: option.text(
    'A type as in a schema, or `time_range`. With `?` it may stay empty: conditions that read it are then left out. Without it, queries that read it wait for a value.',
    { example: 'integer' },
  ),
  label: option.optional(option.text('What the field is labelled. Default: the name.')),
  default: option.optional(
    option.anyOf(
      [option.text('As text.'), option.number('A number.'), option.boolean('A boolean.')],
      'The value at first.',
    ),
  ),
  choices: option.optional(
    option.list(
      option.anyOf([option.text('As text.'), option.number('A number.')], 'A value.'),
      'The values to choose from.',
      { min: 1 },
    ),
  ),
}

/** One of `queries:`. It runs in the order of its keys. */
export const queryShape: Shape = {
  connection: option.optional(name('The connection. Default: that of the page.')),
  collection: option.optional(name('The collection or table to read; a pipeline of the project writes it.')),
  from: option.optional(name('Instead of a collection: another query of the page, whose rows are read.')),
  unfold: option.optional(
    option.boolean('One row per attribute of a wide document, which a sink writes with `attribute`.'),
  ),
  within: option.optional(
    option.map(
      option.text('An input of type `time_range`, or a range: `24h`, `2026-01-01/2026-02-01`.'),
      'By timestamp field: the range of time, which includes its start and leaves its end out.',
    ),
  ),
  where: option.optional(
    option.anyOf(
      [
        option.expression('One condition.'),
        option.list(option.expression('A condition.'), 'Conditions that must all be true.', { min: 1 }),
      ],
      'Which rows are wanted. A condition that reads an empty optional input is left out.',
      { example: 'CustomerID == inputs.customer' },
    ),
  ),
  set: option.optional(option.map(option.expression('An expression.'), 'Fields to add, by name.')),
  group: option.optional(names('One row for each group of rows with equal values in these fields.')),
  outputs: option.optional(
    option.map(
      option.expression('An aggregate: `count()`, `sum(Quantity * UnitPrice)`.'),
      'What is computed of each group, or of all rows. Default: `count: count()`.',
    ),
  ),
  sort: option.optional(
    names('The order of the rows: fields, one with a leading minus in descending order.', {
      example: ['-InvoiceDate'],
    }),
  ),
  limit: option.optional(option.integer('The greatest number of rows.', { min: 1, max: 1_000_000 })),
  scan: option.optional(
    option.boolean('Whether a store that bills every read, such as DynamoDB, may read the whole collection.'),
  ),
}

/** One of `elements:`. The first keys are its kinds. */
export const elementShape: Shape = {
  table: option.optional(name('A table of the rows of this query.')),
  value: option.optional(name('The values of the first row of this query, in large.')),
  line: option.optional(name('A line chart of this query.')),
  bar: option.optional(name('Horizontal bars of this query.')),
  histogram: option.optional(name('Bars between two bounds, of this query.')),
  rate: option.optional(
    option.object(
      { connection: name('The connection.'), stream: name('The stream.') },
      'The records a second of a stream.',
    ),
  ),
  title: option.optional(option.text('What it is headed. `${input:NAME}` is the value of an input.')),
  columns: option.optional(names('table, value: the fields to show, in order. Default: all.')),
  x: option.optional(name('line, bar: the field on the x axis, or that names a bar.')),
  y: option.optional(
    option.anyOf([name('One field.'), names('Several fields.')], 'line, bar, histogram: the numbers to draw.'),
  ),
  bin: option.optional(
    option.list(option.expression('An expression.'), 'histogram: the lower and the upper bound of a bar.', { min: 2 }),
  ),
  top: option.optional(option.integer('bar: only the first ones.', { min: 1, max: 1000 })),
  link: option.optional(part('line, bar, histogram: where a bar or point leads: `page`, and inputs with expressions.')),
  links: option.optional(part('table, value: by field, where its value leads: `page`, and inputs with expressions.')),
  empty: option.optional(option.text('What to say if there are no rows.')),
}
