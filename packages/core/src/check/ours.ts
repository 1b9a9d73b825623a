/** Made by `npm run gen`: the connectors that Millrace itself has. */
export const connectorsOfOurs: Readonly<Record<'source' | 'sink', readonly string[]>> = {
  source: 'csv dynamodb files generate http kafka kinesis log mongodb s3 sqlite'.split(' '),
  sink: 'console dynamodb files http kafka kinesis log mongodb null postgres redshift s3 sqlite'.split(' '),
}
