import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { beforeEach, describe, expect, it } from 'vitest'
import { malformed } from '../src/malformed.ts'
import { type Gateway, gateway } from './run-gateway.ts'

let { address, start } = {} as Gateway
beforeEach(async () => {
  ;({ address, start } = await gateway())
})

/** The answer to bytes that are sent as they are. */
async function sent(bytes: string): Promise<{ status: number; type: string | undefined; error: unknown }> {
  const socket = connect({ host: '127.0.0.1', port: Number(address.split(':')[1]) })
  socket.write(bytes)
  const [head, body] = (await text(socket)).split('\r\n\r\n') as [string, string]
  return {
    status: Number(head.split(' ')[1]),
    type: /^content-type: (.*)$/im.exec(head)?.[1],
    error: (JSON.parse(body) as { error: string }).error,
  }
}

describe('a request that is not HTTP', () => {
  const type = 'application/json; charset=utf-8'
  it.each([
    ['no request line', 'hello\r\n\r\n', 400, 'bad_request'],
    ['an unknown method', 'GRAB /invoices HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'bad_request'],
    ['a header without a name', 'GET / HTTP/1.1\r\n: x\r\n\r\n', 400, 'bad_request'],
    [
      'two lengths',
      'POST /invoices HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      400,
      'bad_request',
    ],
    [
      'headers beyond 16 KiB',
      `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['a path that cannot be decoded', 'GET /%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 400, 'bad_request'],
  ])('is refused as every other: %s', async (_what, bytes, status, error) => {
    await start()
    expect(await sent(bytes)).toEqual({ status, type, error })
  })

  it('is answered though its client goes on sending', async () => {
    await start()
    const socket = connect({ host: '127.0.0.1', port: Number(address.split(':')[1]) })
    socket.on('error', () => {})
    let printed = ''
    socket.on('data', (bytes) => (printed += String(bytes)))
    const sending = setInterval(() => socket.writable && socket.write('x'.repeat(1000)), 1)
    socket.write(`hello\r\n\r\n${'x'.repeat(1_000_000)}`)
    await new Promise((resolve) => socket.on('close', resolve))
    clearInterval(sending)
    expect(printed).toContain('"error":"bad_request"')
  })

  it('is told when it did not arrive in time', () => {
    expect(malformed({ code: 'ERR_HTTP_REQUEST_TIMEOUT', message: '' })).toMatchObject({ status: 408 })
  })
})
