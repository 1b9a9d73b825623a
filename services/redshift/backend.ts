/** The connection to PostgreSQL behind one client: passes answers on, unless a statement of our own is under way. */
import { connect, type Socket } from 'node:net'
import { errorOf, type Message, Messages, query, rowOf } from './wire.ts'

/** What a statement of our own gave. */
export interface Answer {
  readonly rows: readonly (readonly (string | null)[])[]
  readonly error?: Readonly<Record<string, string>>
  /** As they came, for the client. */
  readonly messages: readonly Message[]
}

export class Backend {
  readonly socket: Socket
  /** The id of its process, as the client was told. */
  session = 0
  private readonly messages = new Messages()
  private own: ((message: Message) => void) | undefined
  /** Answers that the client waits for. */
  private owed = 0
  private idle: (() => void)[] = []

  /** `pass`: to the client. */
  constructor(port: number, host: string, pass: (bytes: Buffer) => void) {
    this.socket = connect({ port, host, noDelay: true })
    this.socket.on('data', (bytes) => {
      for (const message of this.messages.add(bytes)) {
        if (message.type === 'K') this.session = message.bytes.readInt32BE(5)
        if (this.own) this.own(message)
        else pass(message.bytes)
        if (message.type === 'Z' && !this.own) this.settled()
      }
    })
  }

  /** Sends what the client sent. `isOwed`: it will be answered by a `ready`. */
  send(bytes: Buffer, isOwed: boolean): void {
    if (isOwed) this.owed++
    this.socket.write(bytes)
  }

  /** The client waits for its first `ready`. */
  begin(bytes: Buffer): void {
    this.send(bytes, true)
  }

  /** Runs a statement of our own, after everything before it. `feed`: what COPY FROM STDIN reads. */
  async run(sql: string, feed?: (write: (bytes: Buffer) => Promise<void>) => Promise<void>): Promise<Answer> {
    while (this.owed > 0) await new Promise<void>((resolve) => this.idle.push(resolve))
    const rows: (string | null)[][] = []
    const messages: Message[] = []
    let error: Readonly<Record<string, string>> | undefined
    await new Promise<void>((resolve, reject) => {
      this.own = (message) => {
        messages.push(message)
        if (message.type === 'D') rows.push(rowOf(message))
        else if (message.type === 'E') error ??= errorOf(message)
        else if (message.type === 'G') feed?.((bytes) => this.write(bytes)).catch(reject)
        else if (message.type === 'Z') resolve()
      }
      this.socket.write(query(sql))
    })
    this.own = undefined
    return { rows, messages, ...(error ? { error } : {}) }
  }

  private async write(bytes: Buffer): Promise<void> {
    if (!this.socket.write(bytes)) await new Promise<void>((resolve) => this.socket.once('drain', resolve))
  }

  private settled(): void {
    if (this.owed > 0) this.owed--
    if (this.owed > 0) return
    const { idle } = this
    this.idle = []
    for (const wake of idle) wake()
  }
}
