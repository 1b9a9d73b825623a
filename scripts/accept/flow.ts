/**
 * What the acceptance of all flows shares: fresh folders, runs that are balanced, facts that are printed, and the
 * number of answers.
 */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Flow, flows } from '../flow/flows.ts'
import { type FlowRun, runFlow } from '../flow/run.ts'
import { serverEnvironment } from '../flow/servers.ts'
import { type Facts, compareFacts } from './facts.ts'
import { exportCollection, linesOf, type Place } from './stores.ts'

/** One acceptance on one profile. */
export interface Acceptance {
  readonly data: string
  /** Where exports go: `<out>/<profile>`. */
  readonly out: string
  readonly profile: string
  /** Prints facts and remembers whether all hold. */
  facts(where: string, found: Facts, expected: Facts): void
  /** A fresh place below `out` for a run; on shared servers, with its own names. */
  place(name: string): Promise<Place>
  run(
    flow: string,
    place: Place,
    inputs: readonly string[],
    set?: Readonly<Record<string, string>>,
    /** A part of it. */
    part?: Flow,
  ): Promise<FlowRun>
  /** Exports a collection to `<file>.jsonl`, and compares it with another profile's export if there is one. */
  documents(
    place: Place,
    database: string,
    collection: string,
    file?: string,
  ): Promise<{ documents: number; sha256: string; path: string }>
  readonly right: boolean
}

export function accept(data: string, outFolder: string, profile: string): Acceptance {
  const out = join(outFolder, profile)
  const prefix = `accept-${Date.now().toString(36)}-`
  let right = true
  return {
    data,
    out,
    profile,
    get right() {
      return right
    },
    facts(where, found, expected) {
      if (!compareFacts(where, found, expected)) right = false
    },
    async place(name) {
      const folder = join(out, name)
      rmSync(folder, { recursive: true, force: true })
      return { profile, folder, env: { ...(await serverEnvironment(profile)), NAME_PREFIX: `${prefix}${name}-` } }
    },
    async run(flow, place, inputs, set = {}, part = flows[flow]!) {
      const ran = await runFlow(flow, part, {
        profile,
        inputs,
        out: place.folder,
        env: place.env,
        show: true,
        set,
      })
      this.facts(
        `${flow} adds up`,
        { 'what is wrong': ran.balance.wrong.join('; ') || 'nothing' },
        { 'what is wrong': 'nothing' },
      )
      process.stdout.write(`     ${flow}: ${(ran.durationMs / 1000).toFixed(0)} s\n`)
      return ran
    },
    async documents(place, database, collection, file = collection) {
      const path = join(out, `${file}.jsonl`)
      const exported = await exportCollection(place, database, collection, path)
      process.stdout.write(`     ${path}: ${exported.documents} documents, sha256 ${exported.sha256}\n`)
      return { ...exported, path }
    },
  }
}

/** How many requests of each status a run's ingestion log reports. */
export async function statuses(place: Place): Promise<Facts> {
  const counts = new Map<string, number>()
  const path = join(place.folder, 'out/ingestion.jsonl')
  if (existsSync(path))
    for await (const { status } of linesOf<{ status: number }>(path))
      counts.set(`answers of ${status}`, (counts.get(`answers of ${status}`) ?? 0) + 1)
  return Object.fromEntries([...counts].map(([status, n]) => [status, String(n)]))
}
