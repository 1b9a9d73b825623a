/**
 * Posts to a server over kept-alive connections, each request once the previous one on its connection is answered, and
 * prints how long that took, as JSON. BENCH_PORT: where; BENCH_LINES: JSON lines; BENCH_RECORDS: how many of them;
 * BENCH_BODY: records per request, as JSON lines if more than one; BENCH_CONNECTIONS.
 */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'

const { BENCH_PORT, BENCH_LINES = '', BENCH_RECORDS, BENCH_BODY, BENCH_CONNECTIONS } = process.env
const records = readFileSync(BENCH_LINES, 'utf8').split('\n', Number(BENCH_RECORDS))
const size = Number(BENCH_BODY)
const type = size === 1 ? 'application/json' : 'application/x-ndjson'
const requests: Buffer[] = []
for (let at = 0; at < records.length; at += size) {
  const body = records.slice(at, at + size).join('\n')
  const head = `POST /records HTTP/1.1\r\nhost: bench\r\ncontent-type: ${type}\r\nidempotency-key: r${at}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`
  requests.push(Buffer.from(head + body))
}
let next = 0
let answered = 0
const done = Promise.withResolvers<void>()

function connection(): void {
  const socket = connect(Number(BENCH_PORT), '127.0.0.1').setNoDelay(true)
  /** Bytes of the response that are still to come; -1: its head is not complete yet. */
  let left = -1
  let held = ''
  const send = () => {
    const request = requests[next++]
    if (request) socket.write(request)
    else socket.end()
  }
  socket.on('connect', send).on('error', done.reject)
  socket.on('data', (chunk) => {
    if (left < 0) {
      held += chunk.toString('latin1')
      const end = held.indexOf('\r\n\r\n')
      if (end < 0) return
      if (!held.startsWith('HTTP/1.1 201 ')) return done.reject(new Error(held.slice(0, 300)))
      left = Number(/\r\ncontent-length: (\d+)/i.exec(held)![1]) - (held.length - end - 4)
      held = ''
    } else left -= chunk.length
    if (left > 0) return
    left = -1
    if (++answered === requests.length) done.resolve()
    send()
  })
}

const started = performance.now()
for (let n = 0; n < Number(BENCH_CONNECTIONS); n++) connection()
await done.promise
console.log(
  JSON.stringify({ wall: (performance.now() - started) / 1000, requests: requests.length, records: records.length }),
)
