/**
 * Faults that are known and not mended yet, by what they look like. A fault that fits none of them is new. When one is
 * mended, its line goes; when the list is empty, every fault fails the test.
 */
import type { Case } from './case.ts'
import type { EditResult } from './edits/case.ts'
import { meetsItself } from './features.ts'
import type { Fault } from './judge/index.ts'
import { type Arrival, predict, textOf } from './model/index.ts'
import type { Verdict } from './play/case.ts'

interface Known {
  readonly name: string
  fits(fault: Fault, graph: Case, verdict: Verdict): boolean
}

const arrivalsAt = (graph: Case, at: string): readonly Arrival[] => predict(graph).into.get(at) ?? []

const groupsByBytes = (graph: Case): boolean =>
  graph.steps.some((step) => (step.verb === 'aggregate' || step.verb === 'dedupe') && step.by.includes('b'))

const known: readonly Known[] = [
  {
    name: '01 a null key loses the whole write',
    fits: ({ wrong, at }, graph) =>
      ['lost', 'doubled', 'counts', 'choice', 'imbalance', 'letters'].includes(wrong) &&
      graph.sinks.some(
        (sink) =>
          sink.kind === 'log' &&
          sink.key !== undefined &&
          (wrong === 'choice' || at === sink.id || at === '' || at === 'dead letter') &&
          arrivalsAt(graph, sink.id).some(({ row }) => row[sink.key!] === null),
      ),
  },
  {
    name: '04 groups of bytes by object identity',
    fits: ({ wrong, text }, graph) =>
      groupsByBytes(graph) && wrong !== 'hang' && (wrong !== 'failed' || text.startsWith('division_by_zero')),
  },
  {
    name: '03 results take the ids of records that are written with them',
    fits: ({ wrong, at, text }, graph) => {
      if (wrong !== 'lost' || graph.sinks.find(({ id }) => id === at)?.kind !== 'id') return false
      const results = arrivalsAt(graph, at).filter(({ place }) => !place)
      return !meetsItself(results) && results.some(({ row }) => text.includes(`${textOf(row)} (0 of 1)`))
    },
  },
  {
    name: '02 branches of one source share ids',
    fits: ({ wrong, at }, graph) => {
      if (wrong === 'letters')
        return [...predict(graph).into.keys()].some((node) => meetsItself(arrivalsAt(graph, node)))
      const byId = graph.sinks.filter(
        (sink) =>
          (sink.kind === 'id' || (sink.kind === 'key' && sink.write === 'insert')) &&
          meetsItself(arrivalsAt(graph, sink.id)),
      )
      return wrong === 'choice' || wrong === 'counts' ? byId.length > 0 : byId.some(({ id }) => id === at)
    },
  },
  {
    name: '13 a published file was taken away',
    fits: ({ text }, graph) => graph.taken && text.startsWith('stage_missing'),
  },
  { name: '14 a call that could be repeated is not', fits: ({ text }) => text.startsWith('outage') },
  {
    name: 'order: a sink takes a batch branch by branch',
    fits: ({ wrong, at }, graph) => wrong === 'last' && graph.sinks.find(({ id }) => id === at)!.from.length > 1,
  },
  {
    name: '17 dedupe over splits passes several after a crash',
    fits: ({ wrong }, _, { how }) => wrong === 'choice' && how === 'crashed',
  },
  {
    name: '06 rows of a branch are saved without their position when another stops the run',
    fits: ({ wrong }, _, { played }) =>
      ['doubled', 'early', 'beyond', 'imbalance', 'counts'].includes(wrong) &&
      played?.pauses.some(({ why }) => why === 'stopped') === true,
  },
]

/** The known fault that this is; undefined: a new one. */
export const knownFault = (fault: Fault, graph: Case, verdict: Verdict): string | undefined =>
  known.find((each) => each.fits({ ...fault, at: fault.at.replace(/ as it was$/, '') }, graph, verdict))?.name

interface KnownOfEdits {
  readonly name: string
  fits(fault: Fault, result: EditResult): boolean
}

const knownOfEdits: readonly KnownOfEdits[] = [
  {
    name: '35 a raised cap is refused as another state',
    fits: ({ wrong }, { edit, outcome }) => wrong === 'decision' && edit.class === 'cap' && outcome === 'refused',
  },
  {
    name: '05b a renamed step begins with an empty memory',
    fits: ({ wrong }, { edit }) =>
      edit.class === 'step renamed' &&
      (edit.of === 'aggregate' || edit.of === 'dedupe') &&
      ['lost', 'beyond', 'doubled', 'choice', 'last', 'letters'].includes(wrong),
  },
  {
    name: '05c a renamed source is read from its beginning',
    fits: ({ wrong }, { edit }) =>
      edit.class === 'source renamed' && ['lost', 'doubled', 'beyond', 'choice', 'last', 'letters'].includes(wrong),
  },
  {
    name: '05 an interrupted whole run goes on with another rule',
    fits: ({ wrong }, { ruled, outcome }) => wrong === 'decision' && ruled === 'refused' && outcome !== 'refused',
  },
  { name: 'edits: the balance fails because of an edit', fits: ({ wrong }) => wrong === 'imbalance' },
  {
    name: 'edits: half-written files of a sink that was moved or removed are lost',
    fits: ({ wrong, at, text }, { edit, graph }) =>
      (edit.class === 'sink moved' || edit.class === 'sink removed') &&
      (wrong === 'left_behind' ||
        text.includes('stage_missing') ||
        (wrong === 'lost' && graph.sinks.some(({ id, kind }) => kind === 'files' && at === `${id} as it was`))),
  },
  {
    name: 'edits: a renamed sink begins anew, and what it had staged is refused or lost',
    fits: ({ wrong }, { edit, outcome }) =>
      edit.class === 'sink renamed' &&
      (['lost', 'left_behind', 'failed'].includes(wrong) || (wrong === 'decision' && outcome !== 'kept')),
  },
]

/** The same for a case that was edited; other faults may show in it as well. */
export function knownFaultOfEdit(fault: Fault, result: EditResult): string | undefined {
  const verdict = { how: 'crashed', played: { pauses: [{ why: result.paused }] } } as unknown as Verdict
  return (
    knownOfEdits.find((each) => each.fits(fault, result))?.name ??
    knownFault(fault, result.graph, verdict) ??
    knownFault(fault, result.edit.graph, verdict)
  )
}
