/** Reads dead letters back from where the plan's sink put them: by its `query` where it is a store, else by the source of the same connector. */
import {
  freshRead,
  isBatch,
  deadLetterSchema,
  envOf,
  type Letter,
  loadRegistry,
  MillraceError,
  optionsFromText,
  type PlanSink,
  resolveConfig,
} from '@millrace/core'
import { builtins } from './builtins.ts'
import type { Opened } from './spec.ts'

/** A dead letter with what is for people only. */
export type Told = Letter & { readonly field: string | null; readonly message: string | null }

/** All letters, oldest first where the store keeps an order. Throws `no_dead_letter` when the spec has none, `cannot_read_back` when its sink cannot be read. */
export async function* readLetters({ plan, registry, around }: Opened, signal: AbortSignal): AsyncGenerator<Told> {
  const sink = plan.deadLetter
  if (!sink)
    throw new MillraceError(
      'no_dead_letter',
      `${plan.name} has no dead letter: its bad records stop the run or are dropped.`,
      {
        exitCode: 2,
        hint: 'Add `dead_letter:` and `on_error: { data: dead_letter }` to the spec.',
      },
    )
  const env = envOf(plan, around, sink.id)
  const config = resolveConfig(sink.config, around.secrets)
  const { query } = registry.sink(sink.type)!
  if (query) {
    const { collection } = config as { collection?: string }
    for await (const row of query(config, env, { collection: collection ?? sink.id }, signal))
      yield row as unknown as Told
    return
  }
  const reading = await loadRegistry({ root: around.root, builtins, wanted: [{ kind: 'source', type: sink.type }] })
  const source = reading.source(sink.type)
  const options =
    source && optionsFromText(`path: ${JSON.stringify(folderOf(config as { path?: string }))}`, source.options)
  if (!options || 'findings' in options) throw cannotRead(sink)
  const reader = source.create(options.value, { ...env, schema: deadLetterSchema, unknownFields: 'drop' })
  try {
    for await (const batch of reader.read(freshRead(signal))) {
      if (isBatch(batch)) for (const row of batch.rows) yield row as unknown as Told
    }
  } finally {
    await reader.close?.()
  }
}

const cannotRead = (sink: PlanSink): MillraceError =>
  new MillraceError('cannot_read_back', `Dead letters of a sink of type ${sink.type} cannot be read back here.`, {
    exitCode: 2,
    hint: 'Keep them in `files` or in a documents store.',
  })

// What the sink's path is below which all its files lie: fields of records may follow.
const folderOf = ({ path = '.' }: { readonly path?: string }): string =>
  path.includes('{') ? `${path.slice(0, path.indexOf('{')).replace(/[^/]*$/, '')}**/*` : path
