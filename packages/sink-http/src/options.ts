/** The options of the HTTP sink, and their checks. */
import { validateHeaderName } from 'node:http'
import { option, type Problem, type Static } from '@millrace/core'
import { httpOptions, httpProblems } from '@millrace/client-http'
import { answerProblems, answersOption } from './answers.ts'

export const options = option.object({
  url: option.url('The address to post to.', { example: 'http://127.0.0.1:8080/invoices', pattern: '^https?://' }),
  method: option.oneOf(['POST', 'PUT'], 'The method.', { default: 'POST' }),
  body: option.oneOf(
    ['object', 'array', 'json_lines'],
    'The body of a request: one record, or up to `batch` of them as a JSON array or as JSON lines.',
    {
      default: 'object',
    },
  ),
  batch: option.integer('Records per request, if it has several.', {
    tuning: true,
    default: 500,
    min: 1,
    max: 10_000,
  }),
  ids: option.boolean('Send the ids of several records in the header `Millrace-Ids`, for a gateway of Millrace.', {
    default: true,
  }),
  nulls: option.oneOf(['write', 'omit'], 'Whether an empty field is written as null or left out.', { default: 'omit' }),
  concurrency: option.integer('Concurrent requests.', { tuning: true, default: 32, min: 1, max: 1024 }),
  order: option.oneOf(
    ['none', 'per_key', 'strict'],
    '`per_key`: one request at a time for each value of `key`; `strict`: one at a time.',
    { default: 'none' },
  ),
  key: option.optional(option.field('The field whose order `per_key` preserves.', { example: 'InvoiceNo' })),
  ...httpOptions,
  redirects: option.integer(
    'How many redirects (307, 308) a request follows. None leads from a public address to a private one.',
    { tuning: true, default: 0, min: 0, max: 20 },
  ),
  answers: answersOption,
  timeout: option.duration('How long a request may take.', { tuning: true, default: '30s' }),
})

export type Options = Static<typeof options>

export const problems = (o: Options): Problem[] => [
  ...(o.order === 'per_key' && !o.key
    ? [
        {
          code: 'missing_option',
          message: '`order: per_key` needs `key`, the field whose order is preserved',
          at: ['order'],
          hint: 'add `key: InvoiceNo`',
        },
      ]
    : []),
  ...httpProblems(o),
  ...answerProblems(o),
  ...Object.keys(o.headers).flatMap(headerProblem),
]

const ownHeaders = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'content-type',
  'idempotency-key',
  'millrace-ids',
])

/** The reason why a header cannot be sent; its value is checked when it is known. */
function headerProblem(name: string): Problem[] {
  if (ownHeaders.has(name.toLowerCase()))
    return [{ code: 'bad_value', message: `the header ${name} is set by the sink itself`, at: ['headers', name] }]
  try {
    validateHeaderName(name)
    return []
  } catch (error) {
    return [{ code: 'bad_value', message: (error as Error).message, at: ['headers', name] }]
  }
}
