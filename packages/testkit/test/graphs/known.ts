/**
 * Known faults of the engine, recognised by their symptoms. A fault that matches none of them is new and fails the
 * test. Remove an entry when its fault is fixed; the list should become empty.
 */
import type { Case } from './case.ts'
import type { EditResult } from './edits/case.ts'
import { meetsItself } from './features.ts'
import type { Fault } from './judge/index.ts'
import { type Arrival, predict, textOf } from './model/index.ts'
import type { Verdict } from './run/case.ts'

/** What a fault was found in. */
interface Context extends Pick<Verdict, 'faults'> {
  readonly crashed: boolean
  /** Bad data stopped a run. */
  readonly stopped: boolean
}

interface Known {
  readonly name: string
  fits(fault: Fault, graph: Case, context: Context): boolean
}

const arrivalsAt = (graph: Case, at: string): readonly Arrival[] => predict(graph).into.get(at) ?? []

const groupsByBytes = (graph: Case): boolean =>
  graph.steps.some((step) => step.verb === 'aggregate' && step.by.includes('b'))

const known: readonly Known[] = [
  {
    name: '01 a null key loses the whole write',
    fits: ({ kind, at }, graph) =>
      ['lost', 'doubled', 'counts', 'choice', 'imbalance', 'letters'].includes(kind) &&
      graph.sinks.some(
        (sink) =>
          sink.kind === 'log' &&
          sink.key !== undefined &&
          (kind === 'choice' || at === sink.id || at === '' || at === 'dead letter') &&
          arrivalsAt(graph, sink.id).some(({ row }) => row[sink.key!] === null),
      ),
  },
  {
    name: '04 groups of bytes by object identity',
    fits: ({ kind, text }, graph) =>
      groupsByBytes(graph) && kind !== 'hang' && (kind !== 'failed' || text.startsWith('division_by_zero')),
  },
  {
    name: '03 results take the ids of records that are written with them',
    fits: ({ kind, at, text }, graph) => {
      if (kind !== 'lost' || graph.sinks.find(({ id }) => id === at)?.kind !== 'id') return false
      const results = arrivalsAt(graph, at).filter(({ place }) => !place)
      return !meetsItself(results) && results.some(({ row }) => text.includes(`${textOf(row)} (0 of 1)`))
    },
  },
  {
    name: '02 branches of one source share ids',
    fits: ({ kind, at }, graph) => {
      if (kind === 'letters')
        return [...predict(graph).into.keys()].some((node) => meetsItself(arrivalsAt(graph, node)))
      const byId = graph.sinks.filter(
        (sink) =>
          (sink.kind === 'id' || (sink.kind === 'key' && sink.write === 'insert')) &&
          meetsItself(arrivalsAt(graph, sink.id)),
      )
      return kind === 'choice' || kind === 'counts' ? byId.length > 0 : byId.some(({ id }) => id === at)
    },
  },
  {
    name: '13 a published file was moved away',
    fits: ({ text }, graph) => graph.filesMoved && text.startsWith('stage_missing'),
  },
  { name: '14 a flush that fails once is not retried', fits: ({ text }) => text.startsWith('outage') },
  {
    name: 'order: a sink takes a batch branch by branch',
    fits: ({ kind, at }, graph) => kind === 'last' && graph.sinks.find(({ id }) => id === at)!.from.length > 1,
  },
  {
    name: '17 dedupe over splits passes several after a crash',
    fits: ({ kind }, _, { crashed }) => kind === 'choice' && crashed,
  },
  {
    name: '06 rows of a branch are saved without their position when another stops the run',
    fits: ({ kind }, _, { stopped, faults }) =>
      stopped &&
      (['doubled', 'unsaved', 'unexpected', 'imbalance', 'counts'].includes(kind) ||
        // An aggregation that counts rows twice loses its right result.
        (kind === 'lost' && faults.some((other) => other.kind === 'imbalance' || other.kind === 'counts'))),
  },
]

const nameOf = (fault: Fault, graph: Case, context: Context): string | undefined =>
  known.find((each) => each.fits({ ...fault, at: fault.at.replace(/ as it was$/, '') }, graph, context))?.name

/** The name of a known fault; undefined for a new one. */
export function knownFault(fault: Fault, graph: Case, { how, faults, trace }: Verdict): string | undefined {
  const stopped = trace?.observations.some(({ why }) => why === 'stopped') ?? false
  return nameOf(fault, graph, { faults, crashed: how !== 'undisturbed', stopped })
}

interface KnownOfEdits {
  readonly name: string
  fits(fault: Fault, result: EditResult): boolean
}

const knownOfEdits: readonly KnownOfEdits[] = [
  {
    name: '35 a raised cap is refused as another state',
    fits: ({ kind }, { edit, outcome }) => kind === 'decision' && edit.class === 'cap' && outcome === 'refused',
  },
  {
    name: '05b a renamed step begins with an empty memory',
    fits: ({ kind }, { edit }) =>
      edit.class === 'step renamed' &&
      (edit.of === 'aggregate' || edit.of === 'dedupe') &&
      ['lost', 'unexpected', 'doubled', 'choice', 'last', 'letters'].includes(kind),
  },
  {
    name: '05c a renamed source is read from its beginning',
    fits: ({ kind }, { edit }) =>
      edit.class === 'source renamed' && ['lost', 'doubled', 'unexpected', 'choice', 'last', 'letters'].includes(kind),
  },
  {
    name: '05 an interrupted whole run goes on with another rule',
    fits: ({ kind }, { required, outcome }) => kind === 'decision' && required === 'refused' && outcome !== 'refused',
  },
  { name: 'edits: the balance fails because of an edit', fits: ({ kind }) => kind === 'imbalance' },
  {
    name: 'edits: half-written files of a sink that was moved or removed are lost',
    fits: ({ kind, at, text }, { edit, graph }) =>
      (edit.class === 'sink moved' || edit.class === 'sink removed') &&
      (kind === 'left_behind' ||
        text.includes('stage_missing') ||
        (kind === 'lost' && graph.sinks.some(({ id, kind }) => kind === 'files' && at === `${id} as it was`))),
  },
  {
    name: 'edits: a renamed sink begins anew, and what it had staged is refused or lost',
    fits: ({ kind }, { edit, outcome }) =>
      edit.class === 'sink renamed' &&
      (['lost', 'left_behind', 'failed'].includes(kind) || (kind === 'decision' && outcome !== 'kept')),
  },
]

/** The same for an edited case, which may show other faults as well. */
export function knownFaultOfEdit(fault: Fault, result: EditResult): string | undefined {
  const { graph, edit, faults, paused } = result
  const context = { faults, crashed: true, stopped: paused === 'stopped' }
  return (
    knownOfEdits.find((each) => each.fits(fault, result))?.name ??
    nameOf(fault, graph, context) ??
    nameOf(fault, edit.graph, context)
  )
}
