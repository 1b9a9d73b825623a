/** Times without a zone, as pandas writes them, and times finer than a millisecond. */
import type { RecordType, Row } from '@millrace/core'
import * as arrow from 'apache-arrow'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { describe, expect, test } from 'vitest'
import { bytesSource } from '../../formats/src/reader.ts'
import { createArrowReader, inferArrow } from '../src/arrow/read.ts'
import { fileReadFormats } from '../src/formats.ts'
import { createParquetReader, inferParquet } from '../src/parquet/read.ts'
import type { TimeOptions } from '../src/times.ts'

const live = new AbortController().signal
const wall = (text: string) => BigInt(Date.parse(`${text}Z`)) * 1000n
const schema: RecordType = { fields: { at: { type: { kind: 'timestamp' }, optional: false } } }

/** Micros of a column `at`, without a zone or in UTC. */
function parquet(micros: readonly bigint[], isAdjustedToUTC: boolean): Uint8Array {
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [{ name: 'at', data: [...micros] }],
      schema: [
        { name: 'root', num_children: 1 },
        {
          name: 'at',
          type: 'INT64',
          repetition_type: 'REQUIRED',
          logical_type: { type: 'TIMESTAMP', unit: 'MICROS', isAdjustedToUTC },
        },
      ],
      codec: 'UNCOMPRESSED',
    }),
  )
}

function arrowFile(micros: readonly bigint[], isUtc: boolean): Uint8Array {
  const type = new arrow.TimestampMicrosecond(isUtc ? 'UTC' : undefined)
  const data = arrow.makeData({ type, data: BigInt64Array.from(micros) } as never)
  return arrow.tableToIPC(new arrow.Table({ at: new arrow.Vector([data]) }), 'file')
}

const formats = [
  ['Parquet', parquet, createParquetReader, inferParquet],
  ['Arrow', arrowFile, createArrowReader, (input, note) => inferArrow(input, live, note)],
] as const satisfies readonly (readonly [
  string,
  (micros: readonly bigint[], isUtc: boolean) => Uint8Array,
  typeof createParquetReader,
  typeof inferParquet,
])[]

describe.each(formats)('times of %s', (_, write, reader, infer) => {
  async function read(bytes: Uint8Array, times?: TimeOptions, type = schema, unknownFields: 'drop' | 'keep' = 'drop') {
    const rows: Row[] = []
    const bad: unknown[] = []
    const raws: string[] = []
    for await (const piece of reader({ schema: type, unknownFields }, times).read(
      bytesSource(bytes),
      undefined,
      live,
    )) {
      rows.push(...piece.rows)
      piece.rows.forEach((_row, i) => raws.push(Buffer.from(piece.rawAt!(i)).toString()))
      for (const { code, message } of piece.bad ?? []) bad.push([code, message])
    }
    return { rows: rows.map((row) => row['at']), bad, raws }
  }

  test('without a zone are refused until the format says which clock they show', async () => {
    const bytes = write([wall('2024-07-01T12:00')], false)
    const refused = { code: 'wrong_type', message: 'the column at holds times without a zone' }
    await expect(read(bytes)).rejects.toMatchObject(refused)
    await expect(read(bytes, {}, { fields: {}, open: true }, 'keep')).rejects.toMatchObject(refused)
    expect((await read(bytes, { zone: 'UTC' })).rows).toEqual([Date.UTC(2024, 6, 1, 12)])
    const berlin = await read(bytes, { zone: 'Europe/Berlin' })
    expect(berlin.rows).toEqual([Date.UTC(2024, 6, 1, 10)])
    // The text that stands in for its bytes shows the same instant.
    expect(berlin.raws).toEqual(['{"at":"2024-07-01T10:00:00.000000Z"}'])
    expect((await read(write([wall('2024-07-01T12:00')], true), { zone: 'Europe/Berlin' })).rows).toEqual([
      Date.UTC(2024, 6, 1, 12),
    ])
  })

  test('in the hours that a clock shows twice or skips are bad records, unless the choice is declared', async () => {
    const bytes = write([wall('2024-10-27T02:30'), wall('2024-03-31T02:30')], false)
    const { rows, bad } = await read(bytes, { zone: 'Europe/Berlin' })
    expect(rows).toEqual([])
    expect(bad).toEqual([
      ['bad_date', expect.stringMatching(/^2024-10-27T02:30:00.000 occurs twice in Europe\/Berlin/)],
      ['bad_date', expect.stringMatching(/^2024-03-31T02:30:00.000 does not exist in Europe\/Berlin/)],
    ])
    const at = async (fold: 'earlier' | 'later') => (await read(bytes, { zone: 'Europe/Berlin', fold })).rows
    expect(await at('earlier')).toEqual([Date.UTC(2024, 9, 27, 0, 30)])
    expect(await at('later')).toEqual([Date.UTC(2024, 9, 27, 1, 30)])
  })

  test('finer than a millisecond are read as timestamp(6) and timestamp(9), on any clock', async () => {
    const fine = (precision: 6 | 9): RecordType => ({
      fields: { at: { type: { kind: 'fine_timestamp', precision }, optional: false } },
    })
    const bytes = write([1999n, -1n, wall('2024-07-01T12:00') + 7n], true)
    expect((await read(bytes, {}, fine(6))).rows).toEqual([1999n, -1n, wall('2024-07-01T12:00') + 7n])
    expect((await read(bytes, {}, fine(9))).rows).toEqual([1_999_000n, -1000n, (wall('2024-07-01T12:00') + 7n) * 1000n])
    const local = write([wall('2024-07-01T12:00') + 7n, wall('2024-10-27T02:30')], false)
    const { rows, bad } = await read(local, { zone: 'Europe/Berlin' }, fine(6))
    expect(rows).toEqual([wall('2024-07-01T10:00') + 7n])
    expect(bad).toEqual([['bad_date', expect.stringContaining('occurs twice')]])
    const { bad: far } = await read(write([wall('3000-01-01T00:00'), 2n ** 62n], true), {}, fine(9))
    expect(far).toEqual([
      ['out_of_range', expect.stringContaining('does not fit in 64 bits as timestamp(9)')],
      ['out_of_range', expect.stringContaining('is not within the years 1 to 9999')],
    ])
  })

  test('finer than a millisecond are bad records, or rounded down where that is declared', async () => {
    const bytes = write([1999n, -1n, 2000n], true)
    const exact = await read(bytes)
    expect(exact.rows).toEqual([2])
    expect(exact.bad).toMatchObject([
      ['out_of_range', expect.stringMatching('fraction: truncate')],
      ['out_of_range', {}],
    ])
    expect((await read(bytes, { fraction: 'truncate' })).rows).toEqual([1, -1, 2])
  })

  test('without a zone are reported by infer, with the missing option', async () => {
    const notes: string[] = []
    const input = bytesSource(write([0n], false))
    expect((await infer(input, (message) => void notes.push(message))).fields['at']!.type).toEqual({
      kind: 'fine_timestamp',
      precision: 6,
    })
    expect(notes).toEqual([expect.stringMatching(/the column at holds times without a zone.*zone: UTC/)])
    expect(notes.length).toBe(1)
  })
})

test('the options of the formats are checked', () => {
  expect(fileReadFormats.problems({ type: 'parquet', zone: 'Berlin' } as never)).toMatchObject([{ at: ['zone'] }])
  expect(fileReadFormats.problems({ type: 'arrow', zone: 'Europe/Berlin', fold: 'later' } as never)).toEqual([])
})
