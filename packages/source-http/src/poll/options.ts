/** Options of the polling source. */
import { option, type Problem, type Static } from '@millrace/core'
import { httpOptions, httpProblems } from '@millrace/client-http'
import { readFormatsOf, textReadFormats } from '@millrace/formats'

/** The formats of a page. */
export const pageFormats = readFormatsOf(textReadFormats)

export const options = option.object({
  url: option.url('The address of the records.', { pattern: '^https?://', example: 'https://api.example.com/orders' }),
  query: option.map(option.text('A value.'), 'Further query parameters.', { default: {} }),
  ...httpOptions,
  redirects: option.integer('How many redirects a request follows.', { tuning: true, default: 5, min: 0, max: 20 }),
  format: {
    ...pageFormats.option,
    description: 'The format of a page: a name, or a name with options of that format.',
    default: 'json',
  } as typeof pageFormats.option,
  items: option.optional(
    option.text(
      'Where the list of records is in a JSON page, as keys separated by dots. Default: the page is the list.',
      {
        example: 'data.orders',
      },
    ),
  ),
  id: option.optional(
    option.text('The field that identifies a record: it becomes the record’s id.', { example: 'order_id' }),
  ),
  page: option.optional(
    option.object(
      {
        param: option.text('The query parameter.', { default: 'page' }),
        first: option.integer('The number of the first page.', { default: 1, min: 0 }),
        size: option.optional(
          option.integer('Records per page; a page with fewer is the last. Without it an empty page is.', { min: 1 }),
        ),
        size_param: option.optional(option.text('The query parameter for this size.', { example: 'per_page' })),
      },
      'Pages by number; `page: {}` counts `page` from 1.',
    ),
  ),
  cursor: option.optional(
    option.object(
      {
        field: option.text(
          'Where the cursor of the next page is in a JSON page, as keys separated by dots; without one it is the last.',
          { example: 'meta.next' },
        ),
        param: option.text('The query parameter for it.', { default: 'cursor' }),
      },
      'Pages by a cursor that each page gives for the next.',
    ),
  ),
  link: option.boolean('Pages by the `Link` header with `rel="next"`.', { default: false }),
  since: option.optional(
    option.object(
      {
        field: option.text('The field that grows: a time, or a sequence number.', { example: 'updated_at' }),
        param: option.text('The query parameter; the server must return the records at and after its value.', {
          example: 'since',
        }),
        start: option.optional(
          option.text('Its first value. Default: the parameter is left out.', {
            example: '2024-01-01T00:00:00Z',
          }),
        ),
      },
      'Request only new records: at and after the highest value so far. Records already taken at that value are remembered and skipped.',
    ),
  ),
  stop: option.oneOf(['never', 'end'], '`end`: read all pages once, so the source is bounded.', { default: 'never' }),
  interval: option.duration('How long to wait before polling again.', { tuning: true, default: '1m' }),
  rate: option.optional(option.number('Maximum requests per second.', { tuning: true, min: 0.001, example: 5 })),
  timeout: option.duration('How long a request may take.', { tuning: true, default: '30s' }),
  max_body: option.size('The largest page, after decompression.', { tuning: true, default: '16MiB' }),
  allow_private: option.boolean('Also send requests to addresses of this machine and of private networks.', {
    tuning: true,
    default: false,
  }),
})
export type PollOptions = Static<typeof options>

/** There is one kind of paging, and options that look into a page need JSON. */
export function problems(o: PollOptions): Problem[] {
  const found: Problem[] = httpProblems(o)
  const paging = [o.page && 'page', o.cursor && 'cursor', o.link && 'link'].filter((name) => typeof name === 'string')
  for (const name of paging.slice(1))
    found.push({
      code: 'bad_value',
      message: `\`${name}\` and \`${paging[0]}\` cannot be combined`,
      at: [name],
      key: true,
    })
  const format = pageFormats.typed(o.format)
  for (const problem of pageFormats.problems(format)) found.push({ ...problem, at: ['format', ...problem.at] })
  if (format.type !== 'json') {
    if (o.items !== undefined)
      found.push({ code: 'bad_value', message: `\`items\` is for JSON, but a page is ${format.type}`, at: ['items'] })
    if (o.cursor)
      found.push({
        code: 'bad_value',
        message: `\`cursor\` is for JSON, but a page is ${format.type}`,
        at: ['cursor'],
        key: true,
      })
  }
  const { username, password } = new URL(o.url)
  if (username || password)
    found.push({
      code: 'bad_value',
      message: 'the address contains a password',
      at: ['url'],
      hint: 'use `auth` or `headers` with a secret',
    })
  return found
}
