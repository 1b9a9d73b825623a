/** Hand-made Parquet files: schemas that no writer here produces, and pages with false statements. */
import { crc32 } from 'node:zlib'
import { OutputBytes } from '../../formats/src/bytes.ts'
import { binary, i32, i64, list, putStruct, struct, text, type Thrift } from '../src/parquet/thrift.ts'

const types = ['BOOLEAN', 'INT32', 'INT64', 'INT96', 'FLOAT', 'DOUBLE', 'BYTE_ARRAY', 'FIXED_LEN_BYTE_ARRAY'] as const

/** One element of a schema, before its children. */
export interface Element {
  readonly name: string
  readonly type?: (typeof types)[number]
  readonly repetition?: 'required' | 'optional' | 'repeated'
  readonly children?: number
  readonly converted?: number
  readonly logical?: Thrift
}

/** One page. */
export interface CraftedPage {
  readonly bytes: Uint8Array
  /** Default: its real size. */
  readonly size?: number
  readonly values: number
  readonly kind?: 'data' | 'dictionary'
  /** Default: PLAIN. */
  readonly encoding?: number
  /** `true`: the correct one. */
  readonly crc?: number | true
}

export interface CraftedColumn {
  readonly pages: readonly CraftedPage[]
  readonly codec?: number
  readonly values?: number
}

const bytesOf = (fields: Parameters<typeof putStruct>[1]): Uint8Array => {
  const out = new OutputBytes()
  putStruct(out, fields)
  return out.take()
}

const elementOf = ({ name, type, repetition, children, converted, logical }: Element): Thrift =>
  struct(
    [1, type && i32(types.indexOf(type))],
    [3, repetition && i32(['required', 'optional', 'repeated'].indexOf(repetition))],
    [4, text(name)],
    [5, children === undefined ? undefined : i32(children)],
    [6, converted === undefined ? undefined : i32(converted)],
    [10, logical],
  )

/** A file with one row group. */
export function craft(
  schema: readonly Element[],
  columns: readonly CraftedColumn[],
  { rows, groupRows = rows }: { rows: number; groupRows?: number },
): Buffer {
  const parts: Uint8Array[] = [Buffer.from('PAR1')]
  let at = 4
  const put = (bytes: Uint8Array) => {
    parts.push(bytes)
    at += bytes.length
  }
  const leaves = schema.filter(({ type }) => type)
  const chunks = columns.map(({ pages, codec = 0, values }, k) => {
    const start = at
    for (const { bytes, size = bytes.length, values: count, kind = 'data', encoding = 0, crc } of pages) {
      const head = [
        [1, i32(kind === 'data' ? 0 : 2)],
        [2, i32(size)],
        [3, i32(bytes.length)],
        [4, crc === undefined ? undefined : i32(crc === true ? crc32(bytes) | 0 : crc)],
        [5, kind === 'data' ? struct([1, i32(count)], [2, i32(encoding)], [3, i32(3)], [4, i32(3)]) : undefined],
        [7, kind === 'dictionary' ? struct([1, i32(count)], [2, i32(0)]) : undefined],
      ] as const
      put(bytesOf(head))
      put(bytes)
    }
    const total = values ?? pages.reduce((sum, page) => sum + (page.kind === 'dictionary' ? 0 : page.values), 0)
    return struct(
      [2, i64(start)],
      [
        3,
        struct(
          [1, i32(types.indexOf(leaves[k]!.type!))],
          [2, list('i32', [])],
          [3, list('binary', [text(leaves[k]!.name)])],
          [4, i32(codec)],
          [5, i64(total)],
          [6, i64(at - start)],
          [7, i64(at - start)],
          [9, i64(start)],
        ),
      ],
    )
  })
  const top = schema.length - schema.reduce((sum, { children = 0 }) => sum + children, 0)
  const footer = bytesOf([
    [1, i32(1)],
    [2, list('struct', [{ name: 'root', children: top }, ...schema].map(elementOf))],
    [3, i64(rows)],
    [4, list('struct', [struct([1, list('struct', chunks)], [2, i64(at)], [3, i64(groupRows)])])],
    [6, binary(Buffer.from('crafted'))],
  ])
  put(footer)
  const tail = Buffer.alloc(8, 'PAR1')
  tail.writeUInt32LE(footer.length)
  return Buffer.concat([...parts, tail])
}

/** 32-bit numbers, as PLAIN stores them. */
export const int32s = (...values: number[]): Buffer => Buffer.from(Int32Array.from(values).buffer)

/** Levels or indexes as runs after their length: each run `[count, value]`. */
export function runs(...all: (readonly [count: number, value: number])[]): Buffer {
  const bytes = all.flatMap(([count, value]) => [...varint(count * 2), value])
  return Buffer.concat([int32s(bytes.length), Buffer.from(bytes)])
}

export function varint(value: number): number[] {
  const bytes = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return [...bytes, rest]
}
