/** Which stream of Kinesis, and where: the same options for source and sink. */
import { option, type Problem } from '@millrace/core'
import { awsOptions, awsProblems, type AwsOptions } from '@millrace/client-aws'

/** Options that source and sink share. */
export const kinesisOptions = {
  ...awsOptions,
  create: option.optional(
    option.object(
      { shards: option.integer('Shards of the stream.', { default: 1, min: 1 }) },
      'Create the stream if it does not exist. A source creates it too, so that it can be started before the writers.',
      { tuning: true },
    ),
  ),
}

/** The resolved options. */
export interface KinesisOptions extends AwsOptions {
  readonly stream: string
  readonly create?: { readonly shards: number } | undefined
}

/** Problems that are known without connecting: API reference of Kinesis, CreateStream. */
export function kinesisProblems(o: KinesisOptions & { readonly headers_field?: string | undefined }): Problem[] {
  const found = awsProblems(o)
  if (!/^[\w.-]{1,128}$/.test(o.stream))
    found.push({
      code: 'bad_value',
      message: `\`${o.stream}\` is not a stream's name: up to 128 letters, digits, \`_\`, \`.\` and \`-\``,
      at: ['stream'],
    })
  if (o.headers_field !== undefined)
    found.push({
      code: 'bad_value',
      message: 'records of Kinesis have no headers',
      at: ['headers_field'],
      hint: 'make them a field of the value',
    })
  return found
}
