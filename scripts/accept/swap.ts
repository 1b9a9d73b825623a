/**
 * The swap of profiles: the specs of flows 1 and 5, the same to the byte, and one with a record of every type leave the
 * same records in every store of each profile, as the vendors' clients read them; a changed record is found.
 */
import { globSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { flows } from '../flow/flows.ts'
import { root } from '../pipe.ts'
import { mutate, possible, runEveryType, storesOf } from './every-type.ts'
import { accept, type Acceptance } from './flow.ts'
import { runFlow5 } from './flow5-run.ts'
import { firstOther, type Multiset, multisetOf } from './multiset.ts'
import { linesOf, messagesOf, type Place } from './stores.ts'

/** The profiles, the embedded one first: the others are compared with it. */
export const swapped = ['local', 'kafka-mongo', 'aws'] as const

/** What the stores of one profile hold, by their names. */
type Stores = Readonly<Record<string, Multiset>>

/** Runs all specs with a file of the online-retail data on these profiles; returns whether every fact holds. */
export async function acceptSwap(input: string, out: string, profiles: readonly string[] = swapped): Promise<boolean> {
  const jobs: Acceptance[] = []
  let reference: Stores | undefined
  for (const profile of profiles) {
    const job = accept('', out, profile)
    jobs.push(job)
    const desk = await runFlow1(job, input)
    const shop = await runFlow5(job, input)
    const types = await job.place('types')
    job.facts(
      `${profile}: refused`,
      { 'by type': (await runEveryType(types)).toSorted().join(', ') },
      { 'by type': refusals },
    )
    for (const [flow, place] of [
      ['customer-service', desk.place],
      ['aws-oltp-olap', shop.place],
    ] as const)
      job.facts(`${profile}: ${flow}`, { specs: sameSpecs(flow, place) }, { specs: 'the same to the byte' })
    const typed = await storesOf(types, job.out)
    job.facts(
      `${profile}: every type`,
      Object.fromEntries(Object.entries(typed).map(([store, { records }]) => [store, String(records)])),
      Object.fromEntries(Object.keys(typed).map((store) => [store, String(possible)])),
    )
    const stores = { ...desk.stores, ...shop.stores, ...prefixed('every type: ', typed) }
    reference ??= stores
    compareStores(job, stores, reference)
    await findChanges(job, types, typed)
  }
  return jobs.every(({ right }) => right)
}

/** Of the records that no profile takes. */
const refusals = [
  'big out_of_range',
  'id out_of_range',
  'price out_of_range',
  'real not_number',
  'real not_number',
  'real out_of_range',
].join(', ')

const prefixed = (prefix: string, stores: Stores): Stores =>
  Object.fromEntries(Object.entries(stores).map(([store, records]) => [prefix + store, records]))

async function runFlow1(job: Acceptance, input: string): Promise<{ place: Place; stores: Stores }> {
  const place = await job.place('desk')
  mkdirSync(job.out, { recursive: true })
  await job.run('customer-service', place, [input])
  const { path } = await job.documents(place, 'customer-events', 'invoice-items', 'invoice-items.exported')
  const messages = (await messagesOf(place, 'customer-event-api')).map(({ key, id, value }) => ({ key, id, value }))
  const kept = (store: string, records: AsyncIterable<object> | Iterable<object>) =>
    multisetOf(records, join(job.out, `${store}.jsonl`))
  return {
    place,
    stores: {
      'invoice-items': await kept('invoice-items', linesOf(path)),
      'customer-event-api': await kept('customer-event-api', messages),
    },
  }
}

/** Whether the specs and schemas that ran are those of the repository. */
function sameSpecs(flow: string, { folder }: Place): string {
  const project = join(root, 'pipelines', flows[flow]!.folder)
  const specs = globSync(['*.yaml', 'schemas/*'], { cwd: folder })
  const other = specs.find((path) => !readFileSync(join(folder, path)).equals(readFileSync(join(project, path))))
  return other ?? (specs.length > 3 ? 'the same to the byte' : 'they are gone')
}

/** The same number of records in each store, and each the same; one that is changed would be found. */
function compareStores(job: Acceptance, stores: Stores, reference: Stores): void {
  for (const [store, found] of Object.entries(stores)) {
    const expected = reference[store]!
    const changed = { ...found, sha256: '', lines: found.lines.with(0, found.lines[0]!.replace(/.$/, ',"x":1}')) }
    job.facts(
      `${job.profile}: ${store}`,
      {
        records: String(found.records),
        'the same as on local': firstOther(found, expected) ?? 'yes',
        'a changed one is found': firstOther(changed, expected) ? 'yes' : 'no',
      },
      { records: String(expected.records), 'the same as on local': 'yes', 'a changed one is found': 'yes' },
    )
  }
}

/** Changes a record in each store in turn: it is found in this one, and in no other. */
async function findChanges(job: Acceptance, place: Place, before: Stores): Promise<void> {
  const changed = new Set<string>()
  for (const store of ['messages', 'documents', 'lines', 'columns', 'rows']) {
    await mutate(place, store)
    changed.add(store)
    const after = await storesOf(place, join(job.out, 'changed'))
    const other = Object.keys(before).filter((each) => firstOther(after[each]!, before[each]!) !== undefined)
    job.facts(
      `${job.profile}: a change in ${store}`,
      { 'is found in': other.toSorted().join() },
      { 'is found in': [...changed].toSorted().join() },
    )
  }
}
