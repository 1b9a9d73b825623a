/**
 * The specs of a served project, as they were accepted. An edit takes effect only if the check finds no error and the
 * state can go on with it; otherwise the pipeline keeps the files that it was accepted with, also over a restart of
 * `serve`, and everything that shows pipelines says so. What a spec loads other than text, such as the functions of a
 * `call` step, is not kept.
 */
import { relative } from 'node:path'
import type { Finding, Plan, Registry } from '@millrace/core'
import type { Io } from '../io.ts'
import { stateOf } from '../print/state.ts'
import { type Checked, checkSpecs, flagsFor } from '../spec.ts'
import type { ServedTask } from './protocol.ts'
import type { Ledger, Refused, Texts } from './ledger.ts'

/** A pipeline that can run. */
export interface Accepted {
  readonly name: string
  /** The spec file, absolute. */
  readonly file: string
  readonly texts: Texts
  /** For its process. */
  readonly flags: ServedTask['flags']
  readonly plan: Plan
  readonly registry: Registry
}

/** What was found when the files were read. */
export interface SpecsRead {
  readonly accepted: readonly Accepted[]
  /** Names of those that are new or different. */
  readonly changed: ReadonlySet<string>
  readonly refused: readonly Refused[]
  /** Of all files as they are now. */
  readonly findings: readonly Finding[]
}

/** Reads the files again whenever called. */
export function createSpecs(
  root: string,
  files: () => readonly string[],
  flags: ServedTask['flags'],
  io: Io,
  ledger: Ledger,
  stateDir: string,
): () => Promise<SpecsRead> {
  let accepted = new Map<string, Accepted>()
  let isFirst = true
  return async () => {
    if (isFirst) accepted = await acceptedBefore(flags, io, ledger)
    isFirst = false
    const paths = files()
    const checked = paths.length > 0 ? await checkSpecs(paths, flags, io) : []
    const next = new Map<string, Accepted>()
    const changed = new Set<string>()
    const refused: Refused[] = []
    for (const [i, file] of paths.entries()) {
      const now = acceptedOf(file, checked[i]!, flags)
      const before = accepted.get(file)
      const names = [...next.values()].map(({ name }) => name)
      const why = now ? reasonAgainst(now, before, names, stateDir) : reasonIn(checked[i]!.findings)
      if (why === undefined && now) {
        if (!before || !sameTexts(before.texts, now.texts)) {
          changed.add(now.name)
          ledger.accept(now.name, file, now.texts)
        }
        next.set(file, now)
      } else {
        if (before) next.set(file, before)
        refused.push({ spec: before?.name ?? relative(root, file), reason: why!, served: before !== undefined })
      }
    }
    const kept = new Set([...next.values()].map(({ name }) => name))
    for (const { name } of accepted.values()) if (!kept.has(name)) ledger.forget(name)
    ledger.refuse(refused)
    accepted = next
    return { accepted: [...next.values()], changed, refused, findings: checked.flatMap(({ findings }) => findings) }
  }
}

/** What a `serve` before this one had accepted. */
async function acceptedBefore(flags: ServedTask['flags'], io: Io, ledger: Ledger): Promise<Map<string, Accepted>> {
  const found = new Map<string, Accepted>()
  for (const { file, texts } of ledger.accepted()) {
    const [{ project }] = (await checkSpecs([file], flags, io, { texts })) as [Checked]
    // Vars of the other specs would be findings of this one.
    const [checked] = (await checkSpecs([file], flagsFor(flags, project), io, { texts })) as [Checked]
    const before = acceptedOf(file, checked, flags)
    if (before) found.set(file, before)
  }
  return found
}

const acceptedOf = (
  file: string,
  { plan, project, registry }: Checked,
  flags: ServedTask['flags'],
): Accepted | undefined =>
  plan && { name: plan.name, file, texts: project.texts, flags: flagsFor(flags, project), plan, registry }

/** Why a spec without errors cannot take effect now; undefined: it can. */
function reasonAgainst(
  now: Accepted,
  before: Accepted | undefined,
  names: readonly string[],
  stateDir: string,
): string | undefined {
  if (names.includes(now.name)) return `another spec has the name ${now.name}`
  if (!before || sameTexts(before.texts, now.texts)) return undefined
  const edits = stateOf(now.plan, now.registry, stateDir).flatMap((state) => state.edits)
  const stopping = edits.find(({ effect }) => effect === 'refused' || effect === 'discarded')
  return stopping && `state_changed: ${stopping.what}; \`pipe plan ${now.name}\` shows what can be done`
}

/** The first error, with its place. */
function reasonIn(findings: readonly Finding[]): string {
  const errors = findings.filter(({ severity }) => severity === 'error')
  const [{ file, line, col, code, message }] = errors as [Finding]
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more: \`pipe check\`)` : ''
  return `${file}:${line}:${col} ${code}: ${message}${more}`
}

const sameTexts = (a: Texts, b: Texts): boolean =>
  a.size === b.size && [...a].every(([path, text]) => b.get(path) === text)
