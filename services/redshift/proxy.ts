/**
 * The stand-in for Redshift: a proxy before PostgreSQL that takes the statements of Redshift's manual only, executes
 * COPY from S3 itself, and folds, widens and drops as Redshift does. What it does differently is in the fidelity test.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { S3Client } from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { Backend } from './backend.ts'
import { copy } from './copy.ts'
import { copyStatement } from './copy-statement.ts'
import { keepFault } from './database.ts'
import { cutOf, isFaultRequest } from './faults.ts'
import { checkStatement, Refused, translated } from './statements.ts'
import { plain, statementsOf, textOf, type Token } from './tokens.ts'
import { error, type Message, Messages, message, parseOf, query, sqlOf } from './wire.ts'

/** Where the servers behind it are. */
export interface Behind {
  readonly postgres: string
  readonly s3: string
}

const cancelCode = 80877102
const tlsCodes = [80877103, 80877104]

/** Listens on loopback. */
export function redshiftProxy(port: number, behind: Behind): Server {
  const s3 = new S3Client({
    endpoint: behind.s3,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    requestHandler: new NodeHttpHandler(),
  })
  return createServer({ noDelay: true }, (client) => serve(client, behind, s3)).listen(port, '127.0.0.1')
}

function serve(client: Socket, behind: Behind, s3: S3Client): void {
  const { hostname, port } = new URL(behind.postgres)
  const backend = new Backend(Number(port), hostname, (bytes) => client.write(bytes))
  const end = () => {
    client.destroy()
    backend.socket.destroy()
  }
  for (const socket of [client, backend.socket]) socket.on('error', end).on('close', end)
  const session = new Session(client, backend, s3, behind.postgres, end)
  const messages = new Messages()
  let isStarted = false
  let work = Promise.resolve()
  client.on('data', (bytes) => {
    let rest = bytes
    while (!isStarted) {
      const first = messages.first(rest)
      if (!first) return
      rest = Buffer.alloc(0)
      const code = first.readUInt32BE(4)
      if (tlsCodes.includes(code)) {
        client.write('N')
        continue
      }
      isStarted = true
      if (code === cancelCode) backend.send(first, false)
      else backend.begin(first)
    }
    for (const each of messages.add(rest))
      work = work
        .then(() => session.take(each))
        .catch((failure: Error) => {
          process.stderr.write(`${failure.stack}\n`)
          end()
        })
  })
}

/** One client. */
class Session {
  private readonly client: Socket
  private readonly backend: Backend
  private readonly s3: S3Client
  private readonly postgres: string
  private readonly end: () => void
  /** Of the transaction. */
  private statements = ''
  private lastCopy = 0

  constructor(client: Socket, backend: Backend, s3: S3Client, postgres: string, end: () => void) {
    this.client = client
    this.backend = backend
    this.s3 = s3
    this.postgres = postgres
    this.end = end
  }

  /** Handles a message of the client. */
  async take(each: Message): Promise<void> {
    if (each.type === 'Q') return this.simple(sqlOf(each))
    if (each.type === 'P') {
      const parse = parseOf(each)
      const [tokens = []] = statementsOf(parse.sql)
      this.statements += `${parse.sql}\n`
      return this.backend.send(parse.with(this.checked(tokens, parse.sql)), false)
    }
    this.backend.send(each.bytes, each.type === 'S')
  }

  private checked(tokens: readonly Token[], sql: string): string {
    try {
      checkStatement(tokens)
      if (plain(tokens[0]!) === 'COPY') throw new Refused('COPY cannot be prepared')
      return translated(tokens, this.lastCopy)
    } catch (failure) {
      if (!(failure instanceof Refused)) throw failure
      const uses = Math.max(0, ...[...sql.matchAll(/\$(\d+)/g)].map(([, n]) => Number(n)))
      const given = Array.from({ length: uses }, (_, k) => `, $${k + 1}::text`).join('')
      return `SELECT ${refusal(failure)}${given}`
    }
  }

  private async simple(sql: string): Promise<void> {
    const all = statementsOf(sql)
    const [only = []] = all
    if (all.length === 1 && isFaultRequest(only)) return this.backend.send(query('SELECT 1'), true)
    this.statements += `${sql}\n`
    if (all.length === 1 && plain(only[0]!) === 'COPY') return this.copy(only)
    const isCommit = all.some((tokens) => plain(tokens[0]!) === 'COMMIT')
    const cut = isCommit ? cutOf(this.statements) : undefined
    if (isCommit || all.some((tokens) => plain(tokens[0]!) === 'ROLLBACK')) this.statements = ''
    if (cut === 'before') return this.end()
    const made = all.map((tokens) => this.checked(tokens, textOf(tokens))).join(';')
    if (cut === undefined) return this.backend.send(query(made), true)
    await this.backend.run(made)
    this.end()
  }

  private async copy(tokens: readonly Token[]): Promise<void> {
    let failed: Refused
    try {
      checkStatement(tokens)
      const statement = copyStatement(tokens)
      const { rows, fault } = await copy(this.backend, this.s3, statement)
      if (!fault) {
        this.lastCopy = rows
        this.client.write(message('N', Buffer.from(`SINFO\0VINFO\0C00000\0M${loaded(statement.table, rows)}\0\0`)))
        const { messages } = await this.backend.run('SELECT 1')
        this.client.write(message('C', Buffer.from('COPY\0')))
        return void this.client.write(messages.at(-1)!.bytes)
      }
      await keepFault(this.postgres, this.backend.session, fault)
      failed = new Refused(
        `Load into table '${statement.table}' failed.  Check 'stl_load_errors' system table for details.`,
        'XX000',
      )
    } catch (failure) {
      if (!(failure instanceof Refused)) throw failure
      failed = failure
    }
    // Fails the transaction, as the statement would have.
    const { messages } = await this.backend.run(`SELECT ${refusal(failed)}`)
    this.client.write(error(failed.code, failed.message))
    this.client.write(messages.at(-1)!.bytes)
  }
}

const loaded = (table: string, rows: number): string =>
  `Load into table '${table}' completed, ${rows} record(s) loaded successfully.`

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`
const refusal = ({ code, message: text }: Refused): string => `redshift.refuse(${quoted(code)}, ${quoted(text)})`
