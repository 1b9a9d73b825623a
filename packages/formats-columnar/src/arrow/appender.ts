/**
 * Columns of a record batch, built directly in Arrow's buffers (https://arrow.apache.org/docs/format/Columnar.html).
 * The library's own builders take ten times as long.
 */
import { microsOfTime, type Type } from '@millrace/core'
import type { Data, DataType, Field, Struct } from 'apache-arrow'
import { jsonValue, OutputBytes } from '@millrace/formats'
import { daysOf, unscaled } from '../parquet/schema.ts'

type Arrow = typeof import('apache-arrow')

/** One column, or part of one. */
export interface Appender {
  readonly type: DataType
  /** Takes a value, or null. */
  append(value: unknown): void
  /** Approximate bytes in memory. */
  readonly bytes: number
  /** The values so far as separate data; the column is empty afterwards. */
  flush(): Data
}

/** Bits, lowest first: 1 for a value, 0 for null. */
class Bits {
  private readonly out = new OutputBytes(1024)
  length = 0
  zeros = 0

  push(bit: boolean): void {
    const at = this.length++
    if ((at & 7) === 0) this.out.byte(0)
    if (bit) this.out.buffer[at >> 3]! |= 1 << (at & 7)
    else this.zeros++
  }

  take(): Uint8Array {
    this.length = this.zeros = 0
    return owned(this.out)
  }
}

/** The bytes in their own array buffer, so that numbers of any size are aligned. */
const owned = (out: OutputBytes): Uint8Array<ArrayBuffer> => new Uint8Array(out.lend())

/** Makes the column for a type. */
export function appender(arrow: Arrow, type: Type): Appender {
  switch (type.kind) {
    case 'string':
      return variable(arrow, new arrow.Utf8(), (out, value) => out.text(value as string))
    case 'json':
      return jsonTexts(arrow, type)
    case 'bytes':
      return variable(arrow, new arrow.Binary(), (out, value) => out.bytes(value as Uint8Array))
    case 'boolean':
      return booleans(arrow)
    case 'integer':
      return fixed(arrow, new arrow.Int64(), 8, BigInt64Array, (out, value) => out.int64(value as number))
    case 'bigint':
      return fixed(arrow, new arrow.Int64(), 8, BigInt64Array, (out, value) => out.bigint64(value as bigint))
    case 'number':
      return fixed(arrow, new arrow.Float64(), 8, Float64Array, (out, value) => out.float64(value as number))
    case 'date':
      return fixed(arrow, new arrow.DateDay(), 4, Int32Array, (out, value) => out.int32(daysOf(value)))
    case 'timestamp':
      return fixed(arrow, new arrow.TimestampMillisecond('UTC'), 8, BigInt64Array, (out, value) =>
        out.int64(value as number),
      )
    case 'fine_timestamp': {
      const made = type.precision === 6 ? new arrow.TimestampMicrosecond('UTC') : new arrow.TimestampNanosecond('UTC')
      return fixed(arrow, made, 8, BigInt64Array, (out, value) => out.bigint64(value as bigint))
    }
    case 'time':
      return fixed(arrow, new arrow.TimeMicrosecond(), 8, BigInt64Array, (out, value) =>
        out.int64(microsOfTime(value as string)),
      )
    case 'decimal': {
      const bits = type.precision <= 38 ? 128 : 256
      return fixed(arrow, new arrow.Decimal(type.scale, type.precision, bits), bits / 8, Uint32Array, (out, value) => {
        let rest = unscaled(value)
        for (let i = 0; i < bits; i += 64, rest >>= 64n) out.bigint64(BigInt.asIntN(64, rest))
      })
    }
    case 'list': {
      const item = appender(arrow, type.of.type)
      return lists(arrow, new arrow.List(new arrow.Field('item', item.type, true)), item)
    }
    case 'map': {
      const parts = [appender(arrow, { kind: 'string' }), appender(arrow, type.of.type)]
      const fields = [new arrow.Field('key', parts[0]!.type, false), new arrow.Field('value', parts[1]!.type, true)]
      const entry = structs(arrow, ['key', 'value'], parts, fields)
      const made = new arrow.Map_(new arrow.Field('entries', entry.type as Struct, false))
      return lists(arrow, made, entry, (value) =>
        Object.entries(value as object).map(([key, item]) => ({ key, value: item })),
      )
    }
    case 'object': {
      if (type.record.open) return jsonTexts(arrow, type)
      const names = Object.keys(type.record.fields)
      const columns = names.map((name) => appender(arrow, type.record.fields[name]!.type))
      const fields = names.map((name, k) => new arrow.Field(name, columns[k]!.type, type.record.fields[name]!.optional))
      return structs(arrow, names, columns, fields)
    }
  }
}

function jsonTexts(arrow: Arrow, type: Type): Appender {
  const text = jsonValue(type)
  return variable(arrow, new arrow.Utf8(), (out, value) => out.text(text(value)))
}

type Put = (out: OutputBytes, value: unknown) => void
type Numbers = { new (buffer: ArrayBuffer): ArrayBufferView }

function fixed(arrow: Arrow, type: DataType, width: number, Values: Numbers, put: Put): Appender {
  const out = new OutputBytes(1024)
  const valid = new Bits()
  return {
    type,
    append(value) {
      valid.push(value !== null)
      if (value !== null) put(out, value)
      else {
        out.grow(width)
        out.buffer.fill(0, out.at, out.at + width)
        out.at += width
      }
    },
    get bytes() {
      return out.at
    },
    flush() {
      const { length, zeros: nullCount } = valid
      return arrow.makeData({
        type,
        length,
        nullCount,
        nullBitmap: valid.take(),
        data: new Values(owned(out).buffer),
      } as never)
    },
  }
}

function variable(arrow: Arrow, type: DataType, put: Put): Appender {
  const out = new OutputBytes(1024)
  const offsets = new OutputBytes(1024)
  const valid = new Bits()
  offsets.int32(0)
  return {
    type,
    append(value) {
      valid.push(value !== null)
      if (value !== null) put(out, value)
      offsets.int32(out.at)
    },
    get bytes() {
      return out.at + offsets.at
    },
    flush() {
      const { length, zeros: nullCount } = valid
      const made = {
        type,
        length,
        nullCount,
        nullBitmap: valid.take(),
        valueOffsets: new Int32Array(owned(offsets).buffer),
        data: owned(out),
      }
      offsets.int32(0)
      return arrow.makeData(made as never)
    },
  }
}

function booleans(arrow: Arrow): Appender {
  const type = new arrow.Bool()
  const values = new Bits()
  const valid = new Bits()
  return {
    type,
    append(value) {
      valid.push(value !== null)
      values.push(value === true)
    },
    get bytes() {
      return values.length >> 2
    },
    flush() {
      const { length, zeros: nullCount } = valid
      return arrow.makeData({ type, length, nullCount, nullBitmap: valid.take(), data: values.take() })
    },
  }
}

function lists(
  arrow: Arrow,
  type: DataType,
  item: Appender,
  itemsOf = (value: unknown) => value as readonly unknown[],
): Appender {
  const offsets = new OutputBytes(1024)
  const valid = new Bits()
  let items = 0
  offsets.int32(0)
  return {
    type,
    append(value) {
      valid.push(value !== null)
      if (value !== null) {
        const own = itemsOf(value)
        for (const each of own) item.append(each ?? null)
        items += own.length
      }
      offsets.int32(items)
    },
    get bytes() {
      return offsets.at + item.bytes
    },
    flush() {
      const { length, zeros: nullCount } = valid
      const made = {
        type,
        length,
        nullCount,
        nullBitmap: valid.take(),
        valueOffsets: new Int32Array(owned(offsets).buffer),
        child: item.flush(),
      }
      items = 0
      offsets.int32(0)
      return arrow.makeData(made as never)
    },
  }
}

function structs(arrow: Arrow, names: readonly string[], columns: readonly Appender[], fields: Field[]): Appender {
  const type = new arrow.Struct(fields)
  const valid = new Bits()
  return {
    type,
    append(value) {
      valid.push(value !== null)
      for (let k = 0; k < names.length; k++)
        columns[k]!.append(value === null ? null : ((value as Record<string, unknown>)[names[k]!] ?? null))
    },
    get bytes() {
      return columns.reduce((n, column) => n + column.bytes, 0)
    },
    flush() {
      const { length, zeros: nullCount } = valid
      return arrow.makeData({
        type,
        length,
        nullCount,
        nullBitmap: valid.take(),
        children: columns.map((column) => column.flush()),
      })
    },
  }
}
