import { execFileSync } from 'node:child_process'
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { MillraceError } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import {
  type Compression,
  compressionOf,
  createCompressor,
  decompress,
  withoutCompression,
} from '../src/compression.ts'

const live = new AbortController().signal
const text = (n: number) =>
  Buffer.from(Array.from({ length: n }, (_, i) => `line ${i} ${(i * 7919) % 104729}`).join('\n'))

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
async function read(bytes: Uint8Array, compression: Compression, size = 65536) {
  const made: Uint8Array[] = []
  for await (const chunk of decompress(inPieces(bytes, size), compression, live)) made.push(chunk)
  return Buffer.concat(made)
}

describe('compression', () => {
  it('is determined by the extension of the file name, in any case', () => {
    expect([
      compressionOf('a.csv.gz'),
      compressionOf('A.CSV.ZST'),
      compressionOf('a.csv'),
      compressionOf('gz'),
    ]).toEqual(['gzip', 'zstd', undefined, undefined])
    expect([withoutCompression('a.b.gz'), withoutCompression('a.b')]).toEqual(['a.b', 'a.b'])
  })

  it('reads gzip and zstd of one or several members, split at any size', async () => {
    const parts = [text(400), Buffer.alloc(0), text(10), Buffer.alloc(300_000, 'x')]
    const whole = Buffer.concat(parts)
    for (const size of [1, 2, 3, 7, 1000, 1 << 20]) {
      expect((await read(Buffer.concat(parts.map((part) => gzipSync(part))), 'gzip', size)).equals(whole)).toBe(true)
      expect((await read(Buffer.concat(parts.map((part) => zstdCompressSync(part))), 'zstd', size)).equals(whole)).toBe(
        true,
      )
    }
  })

  it('skips skippable zstd frames, which carry no data', async () => {
    const skippable = (n: number) =>
      Buffer.concat([Buffer.from([0x5a, 0x2a, 0x4d, 0x18, n, 0, 0, 0]), Buffer.alloc(n, 7)])
    const file = Buffer.concat([
      skippable(5),
      zstdCompressSync(text(100)),
      skippable(0),
      zstdCompressSync(text(100)),
      skippable(1),
    ])
    for (const size of [1, 5, 1000])
      expect((await read(file, 'zstd', size)).equals(Buffer.concat([text(100), text(100)]))).toBe(true)
  })

  it('reads zstd blocks that repeat one byte', async () => {
    const repeated = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 5, 0x2b, 0, 0, 0x78])
    for (const size of [1, 9, 1000])
      expect(
        String(await read(Buffer.concat([repeated, repeated, zstdCompressSync(Buffer.from('!'))]), 'zstd', size)),
      ).toBe('xxxxxxxxxx!')
  })

  it('reports a file that is cut off, or is not what its name says', async () => {
    const broken: [Uint8Array, Compression][] = [
      [gzipSync(text(2000)).subarray(0, 1000), 'gzip'],
      [zstdCompressSync(text(2000)).subarray(0, 1000), 'zstd'],
      [Buffer.concat([zstdCompressSync(text(10)), Buffer.from('more')]), 'zstd'],
      [Buffer.concat([zstdCompressSync(text(10)), zstdCompressSync(text(10)).subarray(0, 2)]), 'zstd'],
      [Buffer.concat([gzipSync(text(10)), Buffer.from('more')]), 'gzip'],
      [Buffer.from('a,b\n1,2\n'), 'gzip'],
      [Buffer.from('a,b\n1,2\n'), 'zstd'],
      [Buffer.alloc(0), 'gzip'],
      [Buffer.alloc(0), 'zstd'],
    ]
    for (const [bytes, compression] of broken) {
      const failure = await read(bytes, compression).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(MillraceError)
      expect((failure as MillraceError).code).toBe('broken_compression')
    }
  })

  it('passes on the failures of its input unchanged', async () => {
    async function* failing() {
      yield gzipSync(text(100)).subarray(0, 20)
      throw new Error('disk on fire')
    }
    await expect(async () => {
      for await (const _ of decompress(failing(), 'gzip', live));
    }).rejects.toThrow('disk on fire')
  })

  it('stops when aborted, and when the consumer stops reading', async () => {
    let closed = 0
    async function* endless() {
      try {
        for (;;) yield gzipSync(text(5000))
      } finally {
        closed++
      }
    }
    const stop = new AbortController()
    const reading = async () => {
      for await (const _ of decompress(endless(), 'gzip', stop.signal)) stop.abort(new Error('enough'))
    }
    await expect(reading()).rejects.toThrow('enough')
    for await (const _ of decompress(endless(), 'gzip', live)) break
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(closed).toBe(2)
  })

  it('writes what other tools read', async () => {
    for (const compression of ['gzip', 'zstd'] as const) {
      const made = createCompressor(compression)
      const parts = [
        await made.add(text(3000)),
        await made.add(Buffer.alloc(0)),
        await made.add(Buffer.alloc(2_000_000, 'ab')),
        await made.finish(),
      ]
      const whole = Buffer.concat([text(3000), Buffer.alloc(2_000_000, 'ab')])
      const file = Buffer.concat(parts)
      expect((compression === 'gzip' ? gunzipSync(file) : zstdDecompressSync(file)).equals(whole)).toBe(true)
      expect((await read(file, compression)).equals(whole)).toBe(true)
      if (compression === 'gzip')
        expect(execFileSync('gzip', ['-dc'], { input: file, maxBuffer: 1e8 }).equals(whole)).toBe(true)
    }
  })
})
