/**
 * Faults that are known and not mended yet, by what they look like. A fault that fits none of them is new. When one is
 * mended, its line goes; when the list is empty, every fault fails the test.
 */
import type { Case } from './case.ts'
import { meetsItself } from './features.ts'
import type { Fault } from './judge/index.ts'
import { type Arrival, predict } from './model/index.ts'
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
    name: '04 groups of bytes by object identity',
    fits: ({ wrong, text }, graph) =>
      groupsByBytes(graph) && wrong !== 'hang' && (wrong !== 'failed' || text.startsWith('division_by_zero')),
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
  known.find((each) => each.fits(fault, graph, verdict))?.name
