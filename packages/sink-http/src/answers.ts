/** The option that says where a server's answer has the outcome of each record. */
import { option, type Problem, type Static } from '@millrace/core'

const path = (description: string, example: string) =>
  option.optional(option.text(description, { minLength: 1, example }))

const answers = option.object(
  {
    items: path(
      'Where the list of outcomes is in the JSON of an answer, as keys separated by dots. Default: the answer is the list, or the outcome of its only record.',
      'results',
    ),
    lists: option.oneOf(
      ['all', 'failed'],
      'Whether the list has an outcome for every record, in their order, or for those only that failed.',
      { default: 'all' },
    ),
    index: path(
      'Where an outcome has the number of its record in the request, from 0. Default: by their order.',
      'index',
    ),
    id: option.optional(
      option.object(
        {
          path: option.text('Where it is in the outcome.', { minLength: 1, example: 'key' }),
          field: option.field('The field of the record with the same value.', { example: 'InvoiceNo' }),
        },
        'The value that identifies the record of an outcome. Default: by their order.',
      ),
    ),
    status: path('Where an outcome has its status, compared with `accepted` and `again`.', 'status'),
    accepted: option.list(option.text('A status.'), 'The statuses of accepted records; `2xx` is 200 to 299.', {
      default: ['2xx', 'true'],
      min: 1,
    }),
    again: option.list(
      option.text('A status or code.'),
      'The statuses and codes of records that are sent again later; the others have failed.',
      { default: ['408', '425', '429', '5xx'] },
    ),
    code: path(
      'Where an outcome has the code of the error. Without `status`, a record with a code has failed.',
      'error.type',
    ),
    message: path(
      'Where an outcome has the message of the error. Without `status`, a record with one has failed.',
      'error.reason',
    ),
    field: path('Where an outcome has the name of the field at fault.', 'error.field'),
  },
  'Where an answer has the outcome of each record, if the server is not a gateway of Millrace.',
)

/** `answers`, resolved. */
export type Answers = Static<typeof answers>

export const answersOption = option.optional(answers)

/** Outcomes can be told apart, and belong to records. */
export function answerProblems({ answers: a }: { readonly answers?: Answers | undefined }): Problem[] {
  if (!a) return []
  const found: Problem[] = []
  const problem = (message: string, at: string, hint: string) =>
    found.push({ code: 'bad_value', message, at: ['answers', at], hint })
  if (a.index !== undefined && a.id) problem('`index` and `id` cannot be combined', 'id', 'leave one of them out')
  if (a.lists === 'failed') {
    if (a.index === undefined && !a.id)
      problem('a list of failed records does not say which they are', 'lists', 'set `index` or `id`')
  } else if (a.status === undefined && a.code === undefined && a.message === undefined)
    found.push({
      code: 'missing_option',
      message: '`answers` does not say which records have failed',
      at: ['answers'],
      hint: 'set `status`, or `code` or `message` of the error',
    })
  return found
}
