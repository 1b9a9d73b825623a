/** Checks of what is kept of a bad record: enough to find it, and to make the same row from it again. */
import assert from 'node:assert/strict'
import type { Beside, DataError, Decoder, Json, Row } from '@millrace/core'
import type { Check, Scope } from '../check.ts'
import { badOf, makeSource, type ReadRecord, recordsOf } from '../read.ts'
import { canonical, sameRows } from '../rows.ts'
import { check, type ReadySource, type SourceSubject } from './ready.ts'

export const letters: readonly Check<SourceSubject>[] = [
  check("gives each record's own bytes, which decode to the same record", async (ready, { env }) => {
    const { setup, read, making, capabilities } = ready
    const again = decoderOf(ready, env)
    const plain = await read()
    const rows = new Map(recordsOf(plain).map((record) => [placeOf(record), record.row]))
    const pushed = capabilities.pushdown && setup.push ? await read({}, { ...making, push: setup.push }) : []
    for (const record of [...recordsOf(plain), ...recordsOf(pushed)]) {
      const { raw, context, position } = record
      if (!raw) {
        assert.ok(
          !capabilities.pushdown,
          `the record at ${position} has no bytes, although steps are pushed into the source`,
        )
        continue
      }
      assert.ok(raw.length > 0, `the record at ${position} has no bytes`)
      const expected = rows.get(placeOf(record))
      if (again && expected)
        sameRows([again(raw, context, record)], [expected], `decoded again, the record at ${position}`)
    }
  }),

  check('gives the bytes of records it cannot decode, which fail again with the same code', async (ready, { env }) => {
    const again = decoderOf(ready, env)
    for (const record of badOf(await ready.read())) {
      const { bytes, context, position, code, step } = record
      assert.ok(bytes.length > 0 || record.tombstone, `the bad record at ${position} comes without its bytes`)
      if (!again || step !== undefined) continue
      const what = again(bytes, context, record)
      assert.ok(what instanceof Error, `the bad record at ${position} decodes: ${canonical(what)}`)
      assert.equal(what.code, code, `the bad record at ${position} fails with a different code when decoded again`)
    }
  }),

  check('can say where a record is', async ({ definition, making, read }, { env }) => {
    const [first] = recordsOf(await read())
    const source = makeSource(definition, making, env)
    if (source.locate && first)
      assert.notEqual(await source.locate(first.split, first.position), '', 'locate returns nothing')
    await source.close?.()
  }),
]

const placeOf = ({ split, position }: ReadRecord): string => `${split}\0${position}`

/** Decodes with what a dead letter keeps; the result may be the decoder's error. */
function decoderOf(
  { definition, setup }: ReadySource,
  env: Scope['env'],
): ((bytes: Uint8Array, context: Json | undefined, beside: Beside) => Row | DataError) | undefined {
  const decode: Decoder | undefined = definition.decoder?.(setup.options, {
    ...env,
    schema: setup.schema,
    unknownFields: setup.unknownFields ?? 'drop',
  })
  return (
    decode &&
    ((bytes, context, beside) => {
      const kept = context === undefined ? undefined : (JSON.parse(JSON.stringify(context)) as Json)
      try {
        return decode(Buffer.from(Buffer.from(bytes).toString('base64'), 'base64'), kept, beside)
      } catch (error) {
        if ((error as Error).name !== 'DataError') throw error
        return error as DataError
      }
    })
  )
}
