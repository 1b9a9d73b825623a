/** Runs COPY FROM S3 in the transaction of the client: reads the files, checks them, and feeds PostgreSQL. */
import { gunzipSync } from 'node:zlib'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { Backend } from './backend.ts'
import type { CopyStatement } from './copy-statement.ts'
import { csvRecords } from './csv.ts'
import type { LoadFault } from './database.ts'
import { Refused } from './statements.ts'
import { message } from './wire.ts'

/** What became of it. */
export interface Copied {
  readonly rows: number
  readonly fault?: LoadFault
}

interface Column {
  readonly name: string
  readonly type: string
  readonly bytes: number
}

interface Record {
  readonly file: string
  readonly line: number
  readonly fields: readonly string[]
}

/** Loads. Throws `Refused` for what is no fault of a row. */
export async function copy(backend: Backend, s3: S3Client, statement: CopyStatement): Promise<Copied> {
  const columns = await columnsOf(backend, statement)
  const records: Record[] = []
  for (const { file, bytes } of await filesOf(s3, statement)) {
    const text = (statement.isGzip ? gunzipSync(bytes) : bytes).toString('utf8')
    records.push(
      ...csvRecords(text, statement.delimiter)
        .slice(statement.headers)
        .map((each) => ({ file, ...each })),
    )
  }
  const lines: string[] = []
  for (const record of records) {
    const line = lineOf(record, columns, statement)
    if (typeof line !== 'string') return { rows: 0, fault: line }
    lines.push(line)
  }
  const names = columns.map(({ name }) => `"${name}"`).join(', ')
  const { error } = await backend.run(`COPY ${statement.table} (${names}) FROM STDIN`, async (write) => {
    for (let at = 0; at < lines.length; at += 1000)
      await write(message('d', Buffer.from(lines.slice(at, at + 1000).join(''))))
    await write(message('c', Buffer.alloc(0)))
  })
  if (!error) return { rows: records.length }
  const [, number, name = '', value = ''] =
    /line (\d+)(?:, column ([^:]+))?(?:: "([\s\S]*)")?/.exec(error['W'] ?? '') ?? []
  const record = records[Number(number ?? 1) - 1]
  const at = columns.findIndex((each) => each.name === name)
  if (!record) throw new Refused(error['M'] ?? '', error['C'])
  const type = columns[at]?.type ?? ''
  return { rows: 0, fault: faultOf(record, name, type, at >= 0 ? record.fields[at]! : value, 1207, error['M'] ?? '') }
}

async function columnsOf(backend: Backend, { table, columns }: CopyStatement): Promise<Column[]> {
  const { rows, error } = await backend.run(
    `SELECT attname, format_type(atttypid, atttypmod), CASE WHEN atttypid = 'varchar'::regtype THEN atttypmod - 4 ELSE -1 END
     FROM pg_attribute WHERE attrelid = '${table.replaceAll("'", "''")}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
  )
  if (error) throw new Refused(error['M'] ?? '', error['C'])
  const all = rows.map(([name, type, bytes]) => ({ name: name!, type: type!, bytes: Number(bytes) }))
  if (columns.length === 0) return all
  return columns.map((name) => {
    const found = all.find((each) => each.name === name)
    if (!found) throw new Refused(`column "${name}" of relation "${table}" does not exist`, '42703')
    return found
  })
}

/** c_loading-data-files-using-manifest.html: a mandatory file that is missing fails the load. */
async function filesOf(s3: S3Client, { bucket, key, isManifest }: CopyStatement) {
  const own = await objectOf(s3, bucket, key)
  if (!own) throw new Refused(`The specified S3 ${isManifest ? 'manifest' : 'prefix'} '${key}' does not exist`, 'XX000')
  if (!isManifest) return [{ file: `s3://${bucket}/${key}`, bytes: own }]
  const { entries } = JSON.parse(own.toString('utf8')) as { entries: { url: string; mandatory?: boolean }[] }
  const files: { file: string; bytes: Buffer }[] = []
  for (const { url, mandatory } of entries) {
    const [, name = '', path = ''] = /^s3:\/\/([^/]+)\/(.*)$/.exec(url) ?? []
    const bytes = await objectOf(s3, name, path)
    if (bytes) files.push({ file: url, bytes })
    else if (mandatory)
      throw new Refused(`Problem reading manifest file - the mandatory file ${url} is missing`, 'XX000')
  }
  return files
}

async function objectOf(s3: S3Client, Bucket: string, Key: string): Promise<Buffer | undefined> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
    return Buffer.from(await Body!.transformToByteArray())
  } catch (error) {
    if (/^(NoSuchKey|NoSuchBucket)$/.test((error as Error).name)) return undefined
    throw error
  }
}

const escapes: Readonly<{ [mark: string]: string }> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

/** A record as PostgreSQL's own COPY reads it, or what is wrong with it: r_Load_Error_Reference.html. */
function lineOf(record: Record, columns: readonly Column[], statement: CopyStatement): string | LoadFault {
  const { fields } = record
  if (fields.length !== columns.length) {
    const [code, reason] =
      fields.length > columns.length ? [1202, 'Extra column(s) found'] : [1214, 'Delimiter not found']
    return faultOf(record, columns.at(-1)!.name, columns.at(-1)!.type, fields.at(-1)!, code as number, reason as string)
  }
  const cells: string[] = []
  for (const [k, { name, type, bytes }] of columns.entries()) {
    const value = fields[k]!
    const isText = type.startsWith('character')
    // The manual does not say that a quoted text differs from an unquoted one.
    if (value === statement.nothing || (value === '' && (!isText || statement.emptyAsNull))) {
      cells.push('\\N')
      continue
    }
    if (bytes >= 0 && Buffer.byteLength(value) > bytes)
      return faultOf(record, name, type, value, 1204, 'String length exceeds DDL length')
    // copy-usage-varbyte.html: hexadecimal digits.
    cells.push(type === 'bytea' ? `\\\\x${value}` : value.replace(/[\\\t\n\r]/g, (mark) => escapes[mark]!))
  }
  return `${cells.join('\t')}\n`
}

const faultOf = (
  { file, line }: Record,
  column: string,
  type: string,
  value: string,
  code: number,
  reason: string,
): LoadFault => ({ file, line, column, type, value, code, reason })
