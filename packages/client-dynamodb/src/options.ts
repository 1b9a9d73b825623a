/** Which tables of DynamoDB, and where: the same options for source and sink. */
import { option, type Problem } from '@millrace/core'
import { awsOptions, awsPlace, awsProblems, type AwsOptions } from '@millrace/client-aws'

/** Options that source and sink share. */
export const dynamodbOptions = {
  ...awsOptions,
  table_prefix: option.text('What the names of all tables begin with; the collection follows.', {
    default: '',
    example: 'shop-',
  }),
}

/** The resolved options. */
export interface DynamodbOptions extends AwsOptions {
  readonly table_prefix: string
}

/** The table of a collection. */
export const tableOf = (o: DynamodbOptions, collection: string): string => o.table_prefix + collection

/** What a source reads or a sink writes, as a `system:place` text. */
export const placeOf = (o: DynamodbOptions & { readonly collection: string }): string =>
  `dynamodb:${awsPlace(o)}#${tableOf(o, o.collection)}`

/** Problems that are known without connecting: DynamoDB's developer guide, "Naming rules". */
export function dynamodbProblems(o: DynamodbOptions & { readonly collection: string }): Problem[] {
  const found = awsProblems(o)
  const table = tableOf(o, o.collection)
  if (!/^[\w.-]{3,255}$/.test(table))
    found.push({
      code: 'bad_value',
      message: `\`${table}\` is not a table's name: 3 to 255 letters, digits, \`_\`, \`.\` and \`-\``,
      at: ['collection'],
    })
  return found
}
