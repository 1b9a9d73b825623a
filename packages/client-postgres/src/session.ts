/**
 * A connection that is made when it is needed and again after it broke, and transactions on it.
 *
 * An abort destroys the connection at once: the server rolls back what was not committed. If the connection breaks
 * while the answer to COMMIT is awaited, the outcome is unknown: the caller repeats the transaction, which has to look
 * for its own traces first (invariant 5).
 */
import { readFileSync } from 'node:fs'
import { type Env, MillraceError, PartialWriteError, unlessAborted } from '@millrace/core'
import { Client, type ClientConfig } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { isBroken, systemError } from './failures.ts'
import type { PostgresOptions } from './options.ts'

export type { Client } from 'pg'

const reveal = (value: PostgresOptions['url']): string => (typeof value === 'string' ? value : value.reveal())

/** The settings of a client. */
export function configOf(o: PostgresOptions, env: Env): ClientConfig {
  return {
    connectionString: reveal(o.url),
    application_name: `millrace ${env.pipeline}`.slice(0, 63),
    connectionTimeoutMillis: 5000,
    keepAlive: true,
    ...(o.username === undefined ? {} : { user: o.username, password: reveal(o.password!) }),
    ...(o.tls
      ? {
          ssl: {
            rejectUnauthorized: o.tls.reject_unauthorized,
            ...(o.tls.ca === undefined ? {} : { ca: readFileSync(env.resolve(o.tls.ca)) }),
          },
        }
      : {}),
  }
}

/** One connection at a time. */
export class Session {
  private readonly o: PostgresOptions
  private readonly env: Env
  private readonly prepare: (client: Client) => Promise<unknown>
  private client: Client | undefined

  /** `prepare`: what to do on each new connection. */
  constructor(o: PostgresOptions, env: Env, prepare: (client: Client) => Promise<unknown> = async () => {}) {
    this.o = o
    this.env = env
    this.prepare = prepare
  }

  /** Does something on the connection. Throws `SystemError`, and what `work` throws of ours. */
  async run<T>(signal: AbortSignal, doing: string, work: (client: Client) => Promise<T>): Promise<T> {
    try {
      return await unlessAborted(
        this.connected().then((client) => work(client)),
        signal,
        doing,
      )
    } catch (error) {
      // Also after an abort: a statement may still be running on it.
      if (isBroken(error)) this.drop()
      throw error instanceof MillraceError || error instanceof PartialWriteError ? error : systemError(error, this.o)
    }
  }

  /**
   * Does something in a transaction that begins with the statement `lock`, and commits. Throws as `run` does; then
   * nothing was done, or the outcome is unknown.
   */
  transaction<T>(signal: AbortSignal, doing: string, lock: string, work: (client: Client) => Promise<T>): Promise<T> {
    return this.run(signal, doing, async (client) => {
      await client.query(`BEGIN; ${lock}`)
      try {
        const result = await work(client)
        await client.query('COMMIT')
        return result
      } catch (error) {
        if (!isBroken(error)) await client.query('ROLLBACK')
        throw error
      }
    })
  }

  /** Ends the connection. With an unresponsive server that takes long, so it continues in the background. */
  async close(): Promise<void> {
    const { client } = this
    this.client = undefined
    if (!client) return
    let timer: NodeJS.Timeout | undefined
    const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, 300)))
    await Promise.race([client.end().catch(() => {}), enough])
    clearTimeout(timer)
    destroy(client)
  }

  private async connected(): Promise<Client> {
    if (this.client) return this.client
    const client = new Client(configOf(this.o, this.env))
    // A broken connection also shows in the statement that waits on it; without a listener it would end the process.
    client.on('error', () => {
      if (this.client === client) this.client = undefined
    })
    this.client = client
    await client.connect()
    await this.prepare(client)
    return client
  }

  private drop(): void {
    if (this.client) destroy(this.client)
    this.client = undefined
  }
}

/** The driver has no public way to close a socket without waiting for the server. */
function destroy(client: Client): void {
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection
  stream.destroy()
}

/** Runs COPY ... FROM STDIN with these bytes. */
export async function copyIn(client: Client, statement: string, bytes: Uint8Array): Promise<number> {
  const stream = client.query(copyFrom(statement))
  await new Promise<void>((resolve, reject) => {
    stream.on('error', reject).on('finish', resolve)
    stream.end(bytes)
  })
  return stream.rowCount
}

/** Whether the statements of `work` succeed; if the server refuses their values, they are undone. In a transaction. */
export async function attempt<T>(
  client: Client,
  work: () => Promise<T>,
  onRefusal: (error: unknown) => boolean,
): Promise<T | undefined> {
  await client.query('SAVEPOINT attempt')
  try {
    const result = await work()
    await client.query('RELEASE SAVEPOINT attempt')
    return result
  } catch (error) {
    if (isBroken(error) || !onRefusal(error)) throw error
    await client.query('ROLLBACK TO SAVEPOINT attempt')
    return undefined
  }
}
