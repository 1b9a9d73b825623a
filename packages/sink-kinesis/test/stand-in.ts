/** Streams of the stand-in, made and read by the SDK, apart from our own client; and a proxy that refuses entries. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'

let count = 0

export function streamsAt(url: string) {
  const client = new KinesisClient({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    requestHandler: new NodeHttpHandler(),
  })
  return {
    /** Makes a stream; returns its name. */
    async create(ShardCount: number): Promise<string> {
      const StreamName = `sink-${process.pid}-${Date.now()}-${count++}`
      await client.send(new CreateStreamCommand({ StreamName, ShardCount }))
      const status = async () =>
        (await client.send(new DescribeStreamSummaryCommand({ StreamName }))).StreamDescriptionSummary!.StreamStatus
      while ((await status()) !== 'ACTIVE') await sleep(10)
      return StreamName
    },
    /** Every record, in the order of each shard. */
    async records(StreamName: string): Promise<{ readonly key: string; readonly value: Buffer }[]> {
      const found: { key: string; value: Buffer }[] = []
      const { Shards } = await client.send(new ListShardsCommand({ StreamName }))
      for (const { ShardId } of Shards!) {
        const from = { StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' as const }
        let { ShardIterator } = await client.send(new GetShardIteratorCommand(from))
        for (;;) {
          const answer = await client.send(new GetRecordsCommand({ ShardIterator }))
          found.push(...answer.Records!.map((each) => ({ key: each.PartitionKey!, value: Buffer.from(each.Data!) })))
          if (answer.Records!.length === 0) break
          ShardIterator = answer.NextShardIterator
        }
      }
      return found
    },
  }
}

interface PutRecords {
  Records: unknown[]
}

/**
 * Stands before a service: of each PutRecords it stores what is not refused, and adds the refused entries to the answer
 * as Kinesis does. Returning `lost` instead: all is stored, and the answer never comes.
 */
export async function refusingProxy(target: string) {
  let refuses: (call: number, entries: number) => readonly number[] | 'lost' = () => []
  let calls = 0
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    let body = Buffer.concat(chunks)
    const isPut = String(request.headers['x-amz-target']).endsWith('.PutRecords')
    const asked = isPut ? (JSON.parse(body.toString()) as PutRecords) : undefined
    const refused = asked ? refuses(calls++, asked.Records.length) : []
    const send = async (bytes: Buffer) => {
      const {
        host: _host,
        'content-length': _length,
        connection: _connection,
        expect: _expect,
        ...headers
      } = request.headers as Record<string, string>
      const answer = await fetch(target, { method: 'POST', headers, body: new Uint8Array(bytes) })
      return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') ?? '' }
    }
    if (refused === 'lost') {
      await send(body)
      request.socket.destroy()
      return
    }
    const kept = asked?.Records.filter((_, i) => !refused.includes(i)) ?? []
    if (asked && refused.length > 0) body = Buffer.from(JSON.stringify({ ...asked, Records: kept }))
    const answer =
      asked && kept.length === 0
        ? { status: 200, text: '{"Records":[]}', type: 'application/x-amz-json-1.1' }
        : await send(body)
    if (asked && refused.length > 0 && answer.status === 200) {
      const { Records: stored } = JSON.parse(answer.text) as PutRecords
      const all = asked.Records.map((_, i) =>
        refused.includes(i)
          ? { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded for shard' }
          : stored.shift(),
      )
      answer.text = JSON.stringify({ FailedRecordCount: refused.length, Records: all })
    }
    response.writeHead(answer.status, { 'content-type': answer.type })
    response.end(answer.text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** From now on; calls are counted anew. */
    set(rule: typeof refuses) {
      refuses = rule
      calls = 0
    },
    calls: () => calls,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
