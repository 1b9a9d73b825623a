/** Which bucket of S3, or of a service that speaks its protocol, and how to speak: the same for source and sink. */
import { option, type Problem } from '@millrace/core'
import { awsOptions, awsProblems, type AwsOptions } from '@millrace/client-aws'

/** Options that source and sink share. */
export const s3Options = {
  bucket: option.text('The bucket.', { minLength: 1, example: 'demo-lake' }),
  ...awsOptions,
  path_style: option.optional(
    option.boolean(
      'The bucket is part of the path of an address, not of its host name. Default: with `endpoint`, since MinIO and Ceph expect it there.',
      { tuning: true },
    ),
  ),
  checksums: option.oneOf(
    ['when_supported', 'when_required'],
    'When requests have a checksum: with every write, or only where S3 demands one, for services that do not know the others (older MinIO, Ceph, R2).',
    { tuning: true, default: 'when_supported' },
  ),
}

/** The resolved options. */
export interface S3Options extends AwsOptions {
  readonly bucket: string
  readonly path_style?: boolean | undefined
  readonly checksums: 'when_supported' | 'when_required'
}

/** Names that S3 keeps for itself. */
const reserved = /^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/

/** Problems that are known without connecting: S3's user guide, "General purpose bucket naming rules". */
export function s3Problems(o: S3Options): Problem[] {
  const found = awsProblems(o)
  const { bucket, endpoint } = o
  if (/^arn:[\w-]+:s3/.test(bucket)) return found
  const wrong = (rule: string) =>
    found.push({ code: 'bad_value', message: `\`${bucket}\` is not a bucket's name: ${rule}`, at: ['bucket'] })
  // Google's service, which speaks the protocol, knows underscores as well.
  const rest = endpoint === undefined ? bucket : bucket.replaceAll('_', '-')
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(rest))
    wrong('3 to 63 lower case letters, digits, `.` and `-`, first and last a letter or digit')
  else if (bucket.includes('..')) wrong('it has two dots in a row')
  else if (/^\d+(\.\d+){3}$/.test(bucket)) wrong('it looks like the address of a host')
  else if (endpoint === undefined && reserved.test(bucket)) wrong('S3 reserves names with this beginning or end')
  return found
}

/** The problem of a path that is not the beginning of a key below the bucket. `at`: the option. */
export function keyProblems(path: string, at: readonly string[]): Problem[] {
  const problem = (message: string, hint: string): Problem[] => [
    { code: 'bad_value', at: [...at], message, got: path, hint },
  ]
  if (path.startsWith('/')) return problem('a key does not begin with `/`', 'write it without the first `/`')
  if (path.split('/').some((part) => part === '.' || part === '..'))
    return problem('a key has no parts `.` or `..`: it would not stay below its prefix', 'write the whole key')
  if (path.replace(/\/+$/, '').includes('//')) return problem('a part of the key is empty', 'write one `/`')
  if (Buffer.byteLength(path) > 900) return problem('the key is too long: S3 allows 1024 bytes', 'choose a shorter one')
  return []
}

/** An object's address in messages: `s3://demo-lake/raw/a.json`. */
export const addressOf = ({ bucket }: Pick<S3Options, 'bucket'>, key: string): string => `s3://${bucket}/${key}`

/** What paths of a bucket read or write, as `system:place` texts: a pattern counts as its parent folder. */
export const s3Places = ({ bucket }: Pick<S3Options, 'bucket'>, paths: readonly string[]): string[] =>
  paths.map((path) => `s3:${bucket}/${path.replace(/[^/]*[*?[{].*$/, '').replace(/\/$/, '')}`)
