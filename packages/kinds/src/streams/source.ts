/** What stream sources have in common: their decoder and their capabilities. */
import { type Env, MillraceError, type SourceCapabilities, type SourceContext, type Static } from '@millrace/core'
import { type StreamDecoder, streamDecoder } from './decode.ts'
import type { streamSourceOptions } from './options.ts'

/** The resolved `streamSourceOptions`. */
export type StreamSourceOptions = {
  readonly [K in keyof typeof streamSourceOptions]: Static<(typeof streamSourceOptions)[K]>
}

/** Makes the decoder for the options. Throws `MillraceError` if they name fields that the schema does not have. */
export function streamDecoderOf(o: StreamSourceOptions, ctx: SourceContext): StreamDecoder {
  const unknown = o.partitioned_by?.find((name) => !Object.hasOwn(ctx.schema.fields, name))
  if (unknown !== undefined)
    throw new MillraceError('bad_value', `\`partitioned_by\`: ${unknown} is not a field of the schema`, {
      hint: 'it names the fields whose values determine the partition of a record',
      exitCode: 2,
    })
  return streamDecoder({
    ...ctx,
    format: o.format,
    valueField: o.value_field,
    keyField: o.key_field,
    timestampField: o.timestamp_field,
    headersField: o.headers_field,
    tombstones: o.tombstones,
  })
}

/** The capabilities of a stream source, without those its system adds. */
export const streamCapabilities = (o: StreamSourceOptions): SourceCapabilities => ({
  bounded: o.stop === 'end',
  replayable: true,
  lanes: 'split',
  shares: true,
  pushdown: o.format === 'json' && !o.key_field && !o.timestamp_field && !o.headers_field && o.tombstones !== 'keep',
  repeats: { id: 'same', why: 'its writer may append a record again under its id' },
  partitionedBy: o.partitioned_by,
})

/** The options that make rows `{ value }` of messages, whatever is in them; see `Look.read`. */
export const asBytes = {
  format: 'bytes',
  value_field: 'value',
  key_field: undefined,
  timestamp_field: undefined,
  headers_field: undefined,
  tombstones: 'keep',
  partitioned_by: undefined,
  start: 'earliest',
} as const satisfies Omit<StreamSourceOptions, 'stream' | 'stop'>

/** The context of a source with these options. */
export const bytesContext = (env: Env): SourceContext => ({
  ...env,
  schema: { fields: { value: { type: { kind: 'bytes' }, optional: true } } },
  unknownFields: 'drop',
})
