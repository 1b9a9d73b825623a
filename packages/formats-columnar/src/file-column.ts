/** The columns of a typed file. */
import type { Type } from '@millrace/core'

/** A column of a file, or part of one. */
export interface FileColumn {
  readonly name: string
  /** Undefined: a type with no equivalent here; `told` names it. */
  readonly natural: Type | undefined
  /** The type of the members that can be read, if there is no natural type. */
  readonly shown?: Type
  /** Its type in the terms of the file format. */
  readonly told: string
  /** Converts the library's value to one of the natural type; not for null. Throws `DataError`. */
  read(raw: unknown): unknown
  /**
   * Whether a value is already in the in-memory form of a type, `natural` or a wider one, and `read` would not change
   * it; absent: never.
   */
  isReady?(raw: unknown, to: Type): boolean
  /** The JSON text of a column of JSON. */
  text?(raw: unknown): string
  /** Only for times. `read` treats them as UTC, and refuses fractions of a millisecond. */
  readonly ticks?: Ticks
  /** Its times are read from a clock that is set back and forward, so their order is not that of the instants. */
  readonly isClock?: boolean
  /** The item of a list or map, or the members of a struct in order; see nested.ts. */
  readonly item?: FileColumn
  readonly fields?: readonly FileColumn[]
  /** For a map whose keys are texts: its values, which `mapOf` reads. */
  readonly mapped?: FileColumn
  /** The map in a raw value, its values read by `read`. Throws `DataError` `duplicate_key`, `missing_value`. */
  mapOf?(raw: unknown, read: (raw: unknown, key: string) => unknown): Record<string, unknown>
}

/** How a column of times counts. */
export interface Ticks {
  /** Ticks per millisecond. */
  readonly perMs: bigint
  /** False: on a clock that the file does not name. */
  readonly isUtc: boolean
  /** The ticks of the library's value. */
  readonly of: (raw: unknown) => number | bigint
}
