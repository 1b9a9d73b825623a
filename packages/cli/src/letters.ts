/**
 * Reads dead letters back from where the plan's sink wrote them: by its `query` if it is a store, else by the source of
 * the same connector.
 */
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  collectionOf,
  createSource,
  freshRead,
  instanceFolders,
  readStore,
  stateFolder,
  type LetterState,
  isBatch,
  deadLetterSchema,
  envOf,
  type Letter,
  MillraceError,
  optionsFromText,
  type PlanSink,
  resolveConfig,
  type Row,
} from '@millrace/core'
import { loadConnectors } from './builtins.ts'
import { type Flag, type Given, usageError } from './command.ts'
import type { Opened } from './spec.ts'

/** A plan, and the location of its state and letters. */
type Planned = Pick<Opened, 'plan' | 'registry' | 'workspace'>

/** A dead letter with the fields that are only for people. */
export type Told = Letter & {
  readonly field: string | null
  readonly message: string | null
  readonly state: LetterState
}

/** Flags that select letters. */
export const letterFlags = {
  code: { type: 'text', value: 'CODE', description: 'Only those with this code.' },
  step: { type: 'text', value: 'ID', description: 'Only those that failed at this source, step or sink.' },
  id: { type: 'list', value: 'ID', description: 'Only those with this id; may be repeated.' },
} as const satisfies Readonly<Record<string, Flag>>

/** Whether the flags select a letter. */
export const chosen = (letter: Letter, flags: Given<typeof letterFlags>['flags']): boolean =>
  (flags.code === undefined || letter.code === flags.code) &&
  (flags.step === undefined || letter.step === flags.step) &&
  (flags.id.length === 0 || flags.id.includes(letter.id))

/**
 * All letters with their states, each once: if a record has failed at one place more than once, the last letter counts.
 */
export async function lettersOf(opened: Planned, signal: AbortSignal): Promise<readonly Told[]> {
  const { plan, workspace } = opened
  const folder = instanceFolders(workspace.stateDir, plan.name)[0]?.folder ?? stateFolder(workspace.stateDir, plan.name)
  const store = readStore(folder)
  try {
    const letters = new Map<string, Told>()
    for await (const letter of readLetters(opened, signal)) {
      const state = store?.letterState(letter.id, letter.step) ?? 'open'
      letters.set(`${letter.step}\0${letter.id}`, { ...letter, state })
    }
    return [...letters.values()]
  } finally {
    store?.close()
  }
}

/** Finds where a letter's record is in its input: file and line, if its source can locate it. */
export function placer({ plan, registry, workspace }: Planned): (letter: Letter) => Promise<string | undefined> {
  const sources = new Map<string, ReturnType<typeof createSource>['source'] | undefined>()
  const sourceOf = (id: string) => {
    if (!sources.has(id)) {
      const node = plan.sources.find((each) => each.id === id)
      sources.set(id, node && createSource(plan, node, registry, workspace).source)
    }
    return sources.get(id)
  }
  return async ({ source, split, position }) => {
    const number = Number(position)
    const at = Number.isSafeInteger(number) && String(number) === position ? number : position
    return sourceOf(source)
      ?.locate?.(split, at)
      .catch(() => undefined)
  }
}

/** The original bytes as text. Latin-1 shows every byte, whatever the record's encoding is. */
export function originalText(letter: Letter): string {
  const bytes = Buffer.from(letter.bytes, 'base64')
  return isUtf8(bytes) ? bytes.toString('utf8') : bytes.toString('latin1')
}

/** A letter for an editor: its bytes as text if they are text. */
export function exported({ id, step, code, field, message, bytes }: Told) {
  const raw = Buffer.from(bytes, 'base64')
  return { id, step, code, field, message, ...(isUtf8(raw) ? { text: raw.toString('utf8') } : { bytes }) }
}

/** Letters with the bytes from a file of `dead-letter export`. */
export function mendedFrom(file: string, cwd: string, letters: readonly Told[]): Letter[] {
  const lines = readFileSync(resolve(cwd, file), 'utf8').split('\n')
  return lines.flatMap((line, at) => {
    if (line.trim() === '') return []
    const wrong = (what: string) =>
      usageError(`${file}:${at + 1}: ${what}`, 'Each line must come from `pipe dead-letter export`.')
    let mended: { readonly id?: string; readonly step?: string; readonly text?: string; readonly bytes?: string }
    try {
      mended = JSON.parse(line) as typeof mended
    } catch (error) {
      throw wrong(`this is not JSON: ${(error as Error).message}`)
    }
    const letter = letters.find(({ id, step }) => id === mended.id && step === mended.step)
    if (!letter) throw wrong(`no dead letter has the id ${String(mended.id)} and stopped at ${String(mended.step)}`)
    if (mended.text === undefined && mended.bytes === undefined) throw wrong('it has neither `text` nor `bytes`')
    return [
      { ...letter, bytes: mended.text === undefined ? mended.bytes! : Buffer.from(mended.text).toString('base64') },
    ]
  })
}

/** The errors of a place to which nothing was written yet: no record has failed. */
const notYetThere: ReadonlySet<unknown> = new Set(['input_missing', 'not_found', 'unknown_collection'])

/**
 * All letters, oldest first if the store keeps an order. Throws `no_dead_letter` if the spec has none,
 * `cannot_read_back` if its sink cannot be read.
 */
async function* readLetters(planned: Planned, signal: AbortSignal): AsyncGenerator<Omit<Told, 'state'>> {
  try {
    for await (const row of rowsOf(planned, signal)) yield row as unknown as Told
  } catch (error) {
    if (!notYetThere.has((error as { code?: unknown }).code)) throw error
  }
}

async function* rowsOf({ plan, registry, workspace }: Planned, signal: AbortSignal): AsyncGenerator<Row> {
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
  const env = envOf(plan, workspace, sink.id)
  const config = resolveConfig(sink.config, workspace.secrets)
  const { query, readBack } = registry.sink(sink.type)!
  if (query) return yield* query(config, env, { collection: collectionOf(sink) ?? sink.id, scan: true }, signal)
  const source = (await loadConnectors(workspace.root, [{ kind: 'source', type: sink.type }])).source(sink.type)
  const options = readBack && source && optionsFromText(JSON.stringify(readBack(config)), source.options)
  if (!options || 'findings' in options) throw cannotRead(sink)
  const reader = source.create(options.value, { ...env, schema: deadLetterSchema, unknownFields: 'drop' })
  try {
    for await (const batch of reader.read(freshRead(signal))) {
      if (isBatch(batch)) yield* batch.rows
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
