/** A service that answers as a table under load does, before the stand-in. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** `held`: these requests of a BatchWriteItem are left unprocessed, the others are passed on. */
export type Outcome = 'pass' | 'throttle' | 'lost' | { readonly held: readonly number[] }
interface BatchBody {
  readonly RequestItems: Readonly<Record<string, readonly unknown[]>>
}

/** Stands before `target`. The plan is asked at each call of these operations, with how many requests it has. */
export async function faultyProxy(target: string) {
  let plan: (call: number, requests: number) => Outcome = () => 'pass'
  let calls = 0
  const sizes: number[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const operation = String(request.headers['x-amz-target']).split('.').at(-1)!
    const isBatch = operation === 'BatchWriteItem'
    const isWrite = isBatch || operation === 'PutItem' || operation === 'UpdateItem'
    const asked = isBatch ? (JSON.parse(body.toString()) as BatchBody) : undefined
    const [table, requests] = Object.entries(asked?.RequestItems ?? { '': [undefined] })[0]!
    if (isWrite) sizes.push(requests.length)
    const outcome = isWrite ? plan(calls++, requests.length) : 'pass'
    const answer = (status: number, value: unknown) => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' })
      response.end(typeof value === 'string' ? value : JSON.stringify(value))
    }
    const forward = async (bytes: Buffer) => {
      const given = request.headers as Record<string, string>
      const headers = Object.fromEntries(
        Object.entries(given).filter(([name]) => !['host', 'content-length', 'connection', 'expect'].includes(name)),
      )
      const found = await fetch(target, { method: 'POST', headers, body: new Uint8Array(bytes) })
      return { status: found.status, text: await found.text() }
    }
    if (outcome === 'throttle') {
      const name = 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException'
      return answer(400, { __type: name, message: 'The level of configured provisioned throughput was exceeded' })
    }
    if (typeof outcome === 'object') {
      const held = requests.filter((_, i) => outcome.held.includes(i))
      const kept = requests.filter((_, i) => !outcome.held.includes(i))
      if (kept.length > 0) {
        const { status, text } = await forward(Buffer.from(JSON.stringify({ RequestItems: { [table]: kept } })))
        if (status !== 200) return answer(status, text)
      }
      return answer(200, { UnprocessedItems: held.length > 0 ? { [table]: held } : {} })
    }
    const { status, text } = await forward(body)
    if (outcome === 'lost') return void request.socket.destroy()
    return answer(status, text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** From now on; calls are counted anew. */
    set(next: typeof plan) {
      plan = next
      calls = 0
      sizes.length = 0
    },
    calls: () => calls,
    /** How many requests each call had. */
    sizes: (): readonly number[] => sizes,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
