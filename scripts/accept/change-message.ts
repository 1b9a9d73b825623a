/** A changed message in a stream, by its vendor's client: a stream that only grows gets one more. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { PutRecordCommand } from '@aws-sdk/client-kinesis'
import { Producer } from '@platformatic/kafka'
import { kinesis } from './aws.ts'
import { messagesOf, type Place } from './stores.ts'

/** Changes a field of one message, or appends it changed where a message cannot be changed. */
export async function changeMessage(place: Place, stream: string, field: string): Promise<void> {
  if (place.profile === 'local') return changeInLog(place, stream, field)
  const [message] = await messagesOf(place, stream)
  const { key, id } = message!
  const value = { ...(message!.value as object), [field]: 'changed' }
  const name = `${place.env['NAME_PREFIX'] ?? ''}${stream}`
  if (place.profile === 'aws') {
    const client = kinesis(place)
    const Data = Buffer.from(JSON.stringify({ _millrace_id: id, ...value }))
    await client.send(new PutRecordCommand({ StreamName: name, PartitionKey: key!, Data }))
    client.destroy()
  } else {
    const producer = new Producer({ clientId: 'accept', bootstrapBrokers: place.env['KAFKA_BROKER']!.split(',') })
    const headers = new Map([[Buffer.from('millrace-id'), Buffer.from(id)]])
    const body = Buffer.from(JSON.stringify(value))
    await producer.send({ messages: [{ topic: name, key: Buffer.from(key!), value: body, headers }] })
    await producer.close()
  }
}

function changeInLog({ folder }: Place, stream: string, field: string): void {
  const db = new DatabaseSync(join(folder, `.millrace/local/log/${stream}.db`))
  try {
    for (const { rowid, zstd, body } of db.prepare('SELECT rowid, zstd, body FROM chunk').all()) {
      const bytes = body as Uint8Array
      const text = (zstd ? zstdDecompressSync(bytes) : Buffer.from(bytes)).toString()
      const changed = Buffer.from(text.replace(`"${field}":"plain"`, `"${field}":"changed"`))
      if (changed.equals(Buffer.from(text))) continue
      db.prepare('UPDATE chunk SET body = ? WHERE rowid = ?').run(zstd ? zstdCompressSync(changed) : changed, rowid!)
      return
    }
    throw new Error(`the stream ${stream} has no message whose ${field} can be changed`)
  } finally {
    db.close()
  }
}
