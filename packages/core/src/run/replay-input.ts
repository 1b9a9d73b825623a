/**
 * Where the letters of a replay come from: a command that runs nothing else or, while the pipeline is running, an inbox
 * in its state folder. A request is a file in the inbox, and the reply is another file next to it.
 *
 * Decision: docs/decisions/20261130-replay-is-a-source.md
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import type { Transform } from '../connector/index.ts'
import { MillraceError } from '../errors/index.ts'
import type { Plan } from '../plan/index.ts'
import { resolveConfig } from '../spec/index.ts'
import { type Gone, heirsOf } from '../plan/signature.ts'
import type { Records, Row } from '../record/index.ts'
import type { Registry } from '../registry/index.ts'
import type { RecordType } from '../schema/index.ts'
import type { LetterKey, Store } from '../store/index.ts'
import { type Letter, letterDecoder, letterOf } from './letters.ts'
import type { Component } from './nodes.ts'
import type { ReplayOutcome, ReplaysContext } from './replays.ts'
import { createTransform, envOf, type Workspace } from './wiring.ts'

/** A request to a running pipeline. */
export interface LetterRequest {
  readonly specHash: string
  /** To replay. */
  readonly letters?: readonly Letter[]
  /** To dismiss. */
  readonly dismiss?: readonly LetterKey[]
}

/** The reply to a request. */
export interface LetterReply {
  readonly outcomes: readonly ReplayOutcome[]
  /** Why the request was refused; nothing was done. */
  readonly refused?: string
}

/** Takes letters, and reports their outcomes later; false: the component takes none, since it is ending. */
export type TakeLetters = (letters: readonly Letter[], report: (outcomes: readonly ReplayOutcome[]) => void) => boolean

export interface ReplayInput {
  contextFor(component: Component): Pick<ReplaysContext, 'decode' | 'newTransform' | 'targets' | 'gone'>
  /** A sink has written these records. */
  delivered(records: Records): void
  /** A component takes letters from now on. Returns what is to be called at each tick: it looks for requests. */
  start(component: Component, take: TakeLetters, fail: (error: unknown) => void): () => void
  /** Resolves when all letters of the command are handed over. */
  allHandedOver(): Promise<void>
  /** The outcomes of the command's letters, and how many of their records sinks have written. */
  readonly outcomes: readonly ReplayOutcome[]
  readonly taken: number
}

export interface ReplayInputContext {
  readonly plan: Plan
  readonly registry: Registry
  readonly options: Workspace & { readonly letters?: readonly Letter[] }
  readonly clock: Clock
  readonly store: Store
  /** Nodes at which letters may have stopped but which the spec no longer has. */
  readonly gone: Gone
}

/** How often the inbox is looked at. */
const lookEveryMs = 1000
const chunkLetters = 5000

export const inboxOf = (folder: string): string => join(folder, 'inbox')

export function createReplayInput(ctx: ReplayInputContext): ReplayInput {
  const { plan, registry, options, clock, store, gone } = ctx
  const takers = new Map<string, TakeLetters>()
  const all = Promise.withResolvers<void>()
  const outcomes: ReplayOutcome[] = []
  let taken = 0
  let isWatching = false

  const targets = (node: string) => heirsOf(node, gone, (id) => takers.has(id))

  const handOverChunk = (letters: readonly Letter[], report: (outcomes: readonly ReplayOutcome[]) => void): boolean => {
    const groups = new Map<TakeLetters, Letter[]>()
    const lost: ReplayOutcome[] = []
    for (const letter of letters) {
      const [target] = Object.keys(targets(letter.step))
      const take = target === undefined ? undefined : takers.get(target)
      if (take) groups.set(take, [...(groups.get(take) ?? []), letter])
      else lost.push(nodeRemoved(letter))
    }
    let left = groups.size
    const found = [...lost]
    if (left === 0) report(found)
    return [...groups].every(([take, own]) =>
      take(own, (some) => {
        found.push(...some)
        if (--left === 0) report(found)
      }),
    )
  }
  /** In chunks, each after the previous one is saved. */
  const handOverAll = (
    letters: readonly Letter[],
    each: (some: readonly ReplayOutcome[]) => void,
    then: () => void,
  ) => {
    const next = (at: number) => {
      if (at >= letters.length) return then()
      const isTaken = handOverChunk(letters.slice(at, at + chunkLetters), (some) => {
        each(some)
        next(at + chunkLetters)
      })
      if (!isTaken) then()
    }
    next(0)
  }
  const watchInbox = (fail: (error: unknown) => void): (() => void) => {
    const inbox = inboxOf(store.folder)
    const busy = new Set<string>()
    const poll = () => {
      if (!existsSync(inbox)) return
      for (const name of readdirSync(inbox)) {
        if (!name.endsWith('.request') || busy.has(name)) continue
        busy.add(name)
        const request = JSON.parse(readFileSync(join(inbox, name), 'utf8')) as LetterRequest
        const reply = (answer: LetterReply) => {
          const path = join(inbox, name.replace(/request$/, 'reply'))
          writeFileSync(`${path}.part`, JSON.stringify(answer))
          renameSync(`${path}.part`, path)
          rmSync(join(inbox, name))
          busy.delete(name)
        }
        answerTo(request, reply)
      }
    }
    let lookedMs = clock.monotonic()
    return () => {
      if (clock.monotonic() - lookedMs < lookEveryMs) return
      lookedMs = clock.monotonic()
      try {
        poll()
      } catch (error) {
        fail(error)
      }
    }
  }
  const answerTo = ({ specHash, letters = [], dismiss = [] }: LetterRequest, reply: (answer: LetterReply) => void) => {
    if (letters.length > 0 && specHash !== plan.specHash) {
      const refused = `${plan.name} is running with a different spec than this replay: restart it first`
      return reply({ outcomes: [], refused })
    }
    if (dismiss.length > 0) store.setLetters(dismiss.map((key) => ({ ...key, state: 'dismissed' as const })))
    const replied: ReplayOutcome[] = []
    handOverAll(
      letters,
      (some) => replied.push(...some),
      () => reply({ outcomes: replied }),
    )
  }

  return {
    outcomes,
    get taken() {
      return taken
    },
    contextFor: (component) => ({
      targets,
      gone,
      ...decodingFor(component, plan, registry, options, gone),
    }),
    delivered(records) {
      if (isWatching || options.letters)
        for (const { batch } of records.from) if (letterOf(batch)) taken += batch.rows.length
    },
    start(component, take, fail) {
      for (const { id } of [...component.sources, ...component.steps, ...component.sinks]) takers.set(id, take)
      const isLast = takers.size >= plan.sources.filter((s) => !s.side).length + plan.steps.length + plan.sinks.length
      if (!isLast) return () => {}
      if (!options.letters) {
        isWatching = true
        return watchInbox(fail)
      }
      // Once every component has started.
      queueMicrotask(() => {
        try {
          handOverAll(options.letters!, (some) => outcomes.push(...some), all.resolve)
        } catch (error) {
          fail(error)
        }
      })
      return () => {}
    },
    allHandedOver: () => all.promise,
  }
}

const nodeRemoved = (letter: Letter): ReplayOutcome => ({
  key: { id: letter.id, node: letter.step },
  outcome: 'failed',
  code: 'not_reached',
  node: letter.step,
  message: `the spec no longer has ${letter.step}`,
})

/** Decodes the letters of a component with the current spec. */
export function decodingFor(component: Component, plan: Plan, registry: Registry, workspace: Workspace, gone: Gone) {
  const decoders = new Map<string, (letter: Letter) => Row>()
  const decoderOf = (letter: Letter): ((letter: Letter) => Row) => {
    const source = plan.sources.find((s) => s.id === letter.source)
    if (!source) {
      return letterDecoder(inputOf(letter.step, plan, gone), undefined, letter.step)
    }
    const definition = registry.source(source.type)!
    const env = { ...envOf(plan, workspace, source.id), schema: source.schema, unknownFields: source.unknownFields }
    const decode = definition.decoder?.(resolveConfig(source.config, workspace.secrets), env)
    return letterDecoder(source.schema, decode, source.id)
  }
  return {
    decode(letter: Letter): Row {
      const name = `${letter.source}\0${letter.source ? '' : letter.step}`
      let decode = decoders.get(name)
      if (!decode) decoders.set(name, (decode = decoderOf(letter)))
      return decode(letter)
    },
    newTransform(step: string): Transform {
      const node = plan.steps.find((s) => s.id === step)
      if (!node) throw new MillraceError('unexpected', `${component.pipeline} has no step ${step}`)
      return createTransform(plan, node, registry, workspace)
    },
  }
}

/** The type of the records that a node gets, or that a removed one got. */
function inputOf(id: string, plan: Plan, gone: Gone): RecordType {
  const node = [...plan.steps, ...plan.sinks].find((n) => n.id === id)
  if (node) return node.input
  const outputs = (gone[id]?.from ?? []).map(
    (name) =>
      [...plan.sources, ...plan.steps].find((n) => n.id === name)?.output ??
      plan.steps.find(({ sideOutputs }) => sideOutputs[name])?.sideOutputs[name],
  )
  return outputs.find((type) => type !== undefined) ?? { fields: {}, open: true }
}

/** Leaves a request for the process that holds the state folder. Returns the path of the reply to come. */
export function leaveRequest(folder: string, request: LetterRequest, name: string): string {
  const inbox = inboxOf(folder)
  mkdirSync(inbox, { recursive: true, mode: 0o700 })
  const path = join(inbox, `${name}.request`)
  writeFileSync(`${path}.part`, JSON.stringify(request), { mode: 0o600, flush: true })
  renameSync(`${path}.part`, path)
  return join(inbox, `${name}.reply`)
}
