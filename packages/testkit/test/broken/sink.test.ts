import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCheck, sinkChecks, sinkContract, type SinkSubject } from '../../src/contract/index.ts'
import { boxRows } from './boxes.ts'

type Kind = 'keyed' | 'staged' | 'held' | 'log'

const subject = (kind: Kind, bug = ''): SinkSubject => ({
  module: new URL('./boxes.ts', import.meta.url),
  type: 'boxes',
  setup: ({ root }) => ({
    options: { folder: 'out', kind, bug },
    schema: {
      fields: { n: { type: { kind: 'integer' }, optional: false }, name: { type: { kind: 'string' }, optional: true } },
    },
    rows: Array.from({ length: 17 }, (_, n) => ({ n, name: n % 3 ? `name ${n}` : null })),
    visible: () => boxRows(join(root, 'out')),
    refused: { n: 99, name: 'refused' },
    ...(kind === 'keyed'
      ? {
          updates: [
            { n: 1, name: 'before' },
            { n: 2, name: 'after' },
          ] as const,
        }
      : {}),
    guardsExisting: kind === 'staged' || kind === 'held',
  }),
})

/** The bugs that each check must see, and the kind of sink that has them. */
const bugs: Record<string, readonly (readonly [Kind, string])[]> = {
  'create opens nothing': [['staged', 'makes its folder in create']],
  'accepts the type of its records': [['keyed', 'accepts nothing']],
  'shows everything once by the end of the run': [
    ['keyed', 'never flushes'],
    ['staged', 'publishes nothing'],
    ['keyed', 'forgets the first'],
  ],
  'shows everything once over several epochs and rolls': [['staged', 'number comes again']],
  'shows nothing of a stage before it is published': [
    ['staged', 'shows too early'],
    ['held', 'shows too early'],
  ],
  'takes an empty write and a flush without news': [
    ['staged', 'chokes on nothing'],
    ['keyed', 'chokes on nothing'],
  ],
  'ends well without a record': [['held', 'chokes at an empty end']],
  'takes the publishing of a stage twice, later too': [['staged', 'publishes once']],
  'loses and doubles nothing when it is killed between write and flush': [
    ['staged', 'not cut back'],
    ['keyed', 'key by order'],
    ['held', 'forgets the number'],
  ],
  'loses and doubles nothing when it is killed before the first save': [['staged', 'keeps what it finds']],
  'loses and doubles nothing when it is killed between flush and save': [
    ['staged', 'not cut back'],
    ['keyed', 'key by order'],
  ],
  'loses and doubles nothing when it is killed between flush and save of a roll': [['staged', 'shows at flush']],
  'loses and doubles nothing when it is killed between save and publish': [['staged', 'stages in memory']],
  'loses and doubles nothing when it is killed after publish, before that is recorded': [['staged', 'publishes once']],
  'takes what an epoch that was not saved brings anew, be it more': [['keyed', 'skips a known epoch']],
  'takes what an epoch that was not saved brings anew, be it less': [['staged', 'not cut back']],
  'goes on after several kills in a row': [['staged', 'not cut back']],
  'leaves one of what is written twice': [['keyed', 'key by order']],
  'lets the later write of a key win': [['keyed', 'first write wins']],
  'names the records that it cannot take, and takes the others': [
    ['keyed', 'swallows the refused'],
    ['keyed', 'throws for all'],
    ['staged', 'names the wrong one'],
    ['keyed', 'says not why'],
  ],
  'leaves the rows it is given as they are': [['keyed', 'changes its rows']],
  'ends within a second of the abort': [['keyed', 'deaf to abort']],
  'can be closed at any time, and twice': [['staged', 'closes once']],
  'stops at results of an earlier run, unless it may replace or keep them': [
    ['staged', 'overlooks existing'],
    ['staged', 'replaces nothing'],
  ],
  'writes the same without generated code': [['keyed', 'twin differs']],
}

for (const kind of ['keyed', 'staged', 'held', 'log'] as const) describe(kind, () => sinkContract(subject(kind)))

describe('a broken sink', () => {
  it('is there for every check', () => expect(Object.keys(bugs)).toEqual(sinkChecks.map((check) => check.name)))
  for (const check of sinkChecks) {
    for (const [kind, bug] of bugs[check.name] ?? []) {
      it(`${kind} that ${bug}: seen by "${check.name}"`, () =>
        expect(runCheck(check, subject(kind, bug), 'sink')).rejects.toThrow())
    }
  }
})
