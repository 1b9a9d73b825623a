/**
 * Where letters to be replayed come from: a command that runs nothing else, or, while the pipeline runs, an inbox in
 * its state folder. A request is a file there; what became of its letters is told in another one beside it.
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
import { createTransform, envOf, type Surroundings } from './wiring.ts'

/** What is asked of a pipeline that is running. */
export interface LetterRequest {
  readonly specHash: string
  /** To be replayed. */
  readonly letters?: readonly Letter[]
  /** To be dismissed. */
  readonly dismiss?: readonly LetterKey[]
}

/** What has come of it. */
export interface LetterReply {
  readonly outcomes: readonly ReplayOutcome[]
  /** Why nothing was done. */
  readonly refused?: string
}

/** Takes letters; false: not now. */
export type HandOver = (letters: readonly Letter[], told: (outcomes: readonly ReplayOutcome[]) => void) => boolean

export interface Replaying {
  tools(component: Component): Pick<ReplaysContext, 'decode' | 'fresh' | 'targets' | 'gone'>
  /** A sink has taken these records. */
  delivered(records: Records): void
  /** A component takes letters from now on. What it returns ends that. */
  start(component: Component, hand: HandOver, fail: (error: unknown) => void): () => void
  /** Resolves when all letters of the command are handed over. */
  drained(): Promise<void>
  /** What became of the letters of the command, and how many records sinks took of them. */
  readonly outcomes: readonly ReplayOutcome[]
  readonly taken: number
}

export interface ReplayingContext {
  readonly plan: Plan
  readonly registry: Registry
  readonly options: Surroundings & { readonly letters?: readonly Letter[] }
  readonly clock: Clock
  readonly store: Store
  /** Nodes at which letters may have stopped, and that the spec has no more. */
  readonly gone: Gone
}

const pollMs = 300
const piece = 5000

export const inboxOf = (folder: string): string => join(folder, 'inbox')

export function createReplaying(ctx: ReplayingContext): Replaying {
  const { plan, registry, options, clock, store, gone } = ctx
  const hands = new Map<string, HandOver>()
  const all = Promise.withResolvers<void>()
  const outcomes: ReplayOutcome[] = []
  let taken = 0
  let isWatching = false

  const targets = (node: string) => heirsOf(node, gone, (id) => hands.has(id))

  const handPiece = (letters: readonly Letter[], told: (outcomes: readonly ReplayOutcome[]) => void): boolean => {
    const groups = new Map<HandOver, Letter[]>()
    const lost: ReplayOutcome[] = []
    for (const letter of letters) {
      const [target] = Object.keys(targets(letter.step))
      const hand = target === undefined ? undefined : hands.get(target)
      if (hand) groups.set(hand, [...(groups.get(hand) ?? []), letter])
      else lost.push(lostAt(letter))
    }
    let left = groups.size
    const found = [...lost]
    if (left === 0) told(found)
    return [...groups].every(([hand, own]) =>
      hand(own, (some) => {
        found.push(...some)
        if (--left === 0) told(found)
      }),
    )
  }
  /** In pieces, each when the one before is saved. */
  const handAll = (letters: readonly Letter[], each: (some: readonly ReplayOutcome[]) => void, then: () => void) => {
    const next = (at: number) => {
      if (at >= letters.length) return then()
      const isTaken = handPiece(letters.slice(at, at + piece), (some) => {
        each(some)
        next(at + piece)
      })
      if (!isTaken) then()
    }
    next(0)
  }
  const watch = (fail: (error: unknown) => void): (() => void) => {
    const inbox = inboxOf(store.folder)
    const busy = new Set<string>()
    const look = () => {
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
    return clock.every(pollMs, () => {
      try {
        look()
      } catch (error) {
        fail(error)
      }
    })
  }
  const answerTo = ({ specHash, letters = [], dismiss = [] }: LetterRequest, reply: (answer: LetterReply) => void) => {
    if (letters.length > 0 && specHash !== plan.specHash) {
      const refused = `${plan.name} is running with another spec than the one that the letters are to be replayed with: restart it first`
      return reply({ outcomes: [], refused })
    }
    if (dismiss.length > 0) store.setLetters(dismiss.map((key) => ({ ...key, state: 'dismissed' as const })))
    const told: ReplayOutcome[] = []
    handAll(
      letters,
      (some) => told.push(...some),
      () => reply({ outcomes: told }),
    )
  }

  return {
    outcomes,
    get taken() {
      return taken
    },
    tools: (component) => ({
      targets,
      gone,
      ...toolsOf(component, plan, registry, options, gone),
    }),
    delivered(records) {
      if (isWatching || options.letters)
        for (const { batch } of records.from) if (letterOf(batch)) taken += batch.rows.length
    },
    start(component, hand, fail) {
      for (const { id } of [...component.sources, ...component.steps, ...component.sinks]) hands.set(id, hand)
      const isLast = hands.size >= plan.sources.filter((s) => !s.side).length + plan.steps.length + plan.sinks.length
      if (!isLast) return () => {}
      if (!options.letters) {
        isWatching = true
        return watch(fail)
      }
      // When every component is there.
      queueMicrotask(() => {
        try {
          handAll(options.letters!, (some) => outcomes.push(...some), all.resolve)
        } catch (error) {
          fail(error)
        }
      })
      return () => {}
    },
    drained: () => all.promise,
  }
}

const lostAt = (letter: Letter): ReplayOutcome => ({
  key: { id: letter.id, node: letter.step },
  outcome: 'failed',
  code: 'not_reached',
  node: letter.step,
  message: `the spec has no ${letter.step} any more`,
})

function toolsOf(component: Component, plan: Plan, registry: Registry, around: Surroundings, gone: Gone) {
  const decoders = new Map<string, (letter: Letter) => Row>()
  const decoderOf = (letter: Letter): ((letter: Letter) => Row) => {
    const source = plan.sources.find((s) => s.id === letter.source)
    if (!source) {
      return letterDecoder(inputOf(letter.step, plan, gone), undefined, letter.step)
    }
    const definition = registry.source(source.type)!
    const env = { ...envOf(plan, around, source.id), schema: source.schema, unknownFields: source.unknownFields }
    const decode = definition.decoder?.(resolveConfig(source.config, around.secrets), env)
    return letterDecoder(source.schema, decode, source.id)
  }
  return {
    decode(letter: Letter): Row {
      const name = `${letter.source}\0${letter.source ? '' : letter.step}`
      let decode = decoders.get(name)
      if (!decode) decoders.set(name, (decode = decoderOf(letter)))
      return decode(letter)
    },
    fresh(step: string): Transform {
      const node = plan.steps.find((s) => s.id === step)
      if (!node) throw new MillraceError('unexpected', `${component.pipeline} has no step ${step}`)
      return createTransform(plan, node, registry, around)
    },
  }
}

/** The type of what comes into a node, or came into one that is gone. */
function inputOf(id: string, plan: Plan, gone: Gone): RecordType {
  const node = [...plan.steps, ...plan.sinks].find((n) => n.id === id)
  if (node) return node.input
  const outputs = (gone[id]?.from ?? []).map(
    (name) =>
      [...plan.sources, ...plan.steps].find((n) => n.id === name)?.output ??
      plan.steps.find(({ sides }) => sides[name])?.sides[name],
  )
  return outputs.find((type) => type !== undefined) ?? { fields: {}, open: true }
}

/** Leaves a request for the process that holds a state folder. Returns where its reply will be. */
export function leaveRequest(folder: string, request: LetterRequest, name: string): string {
  const inbox = inboxOf(folder)
  mkdirSync(inbox, { recursive: true, mode: 0o700 })
  const path = join(inbox, `${name}.request`)
  writeFileSync(`${path}.part`, JSON.stringify(request), { mode: 0o600, flush: true })
  renameSync(`${path}.part`, path)
  return join(inbox, `${name}.reply`)
}
