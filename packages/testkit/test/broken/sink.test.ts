import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  runCheck,
  sinkChecks,
  sinkContract,
  type SinkSetup,
  type SinkSubject,
  wireWriting,
} from '../../src/contract/index.ts'
import { boxRows } from './boxes.ts'

type Kind = 'keyed' | 'named' | 'staged' | 'held' | 'log'

const field = (kind: 'integer' | 'string' | 'timestamp', optional: boolean) => ({ type: { kind }, optional })
const nameOf = (kind: Kind, n: number) => (kind === 'named' || n % 3 ? `name ${n}` : null)

const subject = (kind: Kind, bug = ''): SinkSubject => ({
  module: new URL('./boxes.ts', import.meta.url),
  type: 'boxes',
  setup: ({ root }) => ({
    options: { folder: 'out', kind, bug },
    schema: {
      fields: { n: field('integer', false), name: field('string', true), at: field('timestamp', true) },
    },
    rows: Array.from({ length: 17 }, (_, n) => ({ n, name: nameOf(kind, n), at: n })),
    visible: () => boxRows(join(root, 'out')),
    nullKeys: kind === 'named' ? ['name'] : { none: 'it has no key of fields' },
    unencodable: [{ row: { n: 98, name: 'late', at: 9e15 }, code: 'out_of_range' }],
    refused: [{ row: { n: 99, name: 'refused', at: null }, code: 'too_long' }],
    hang() {
      mkdirSync(join(root, 'out'), { recursive: true })
      writeFileSync(join(root, 'out', 'hung'), '')
      return () => rmSync(join(root, 'out', 'hung'))
    },
    ...(kind === 'keyed' || kind === 'named'
      ? {
          updates: [
            { n: 1, name: 'same', at: null },
            { n: 2, name: 'same', at: null },
          ] as const,
        }
      : {}),
    guardsExisting: kind === 'staged' || kind === 'held',
  }),
})

/** The bugs that each check must detect, and the kind of sink that has them. */
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
  'accepts an empty write and a flush with nothing new': [
    ['staged', 'chokes on nothing'],
    ['keyed', 'chokes on nothing'],
  ],
  'ends cleanly without any records': [['held', 'chokes at an empty end']],
  'can publish a stage twice, also after a restart': [['staged', 'publishes once']],
  'loses and duplicates nothing when killed between write and flush': [
    ['staged', 'not cut back'],
    ['keyed', 'key by order'],
    ['held', 'forgets the number'],
  ],
  'loses and duplicates nothing when killed before the first save': [['staged', 'keeps what it finds']],
  'loses and duplicates nothing when killed between flush and save': [
    ['staged', 'not cut back'],
    ['keyed', 'key by order'],
  ],
  'loses and duplicates nothing when killed between flush and save of a roll': [['staged', 'shows at flush']],
  'loses and duplicates nothing when killed between save and publish': [['staged', 'stages in memory']],
  'loses and duplicates nothing when killed after publish, before that is recorded': [['staged', 'publishes once']],
  'accepts an unsaved epoch that is repeated with more records': [['keyed', 'skips a known epoch']],
  'accepts an unsaved epoch that is repeated with fewer records': [['staged', 'not cut back']],
  'continues after several kills in a row': [['staged', 'not cut back']],
  'keeps one copy of a record that is written twice': [['keyed', 'key by order']],
  'declares what identifies a record': [['keyed', 'says no key']],
  'lets the later write of a key win': [
    ['keyed', 'first write wins'],
    ['named', 'keys by id'],
  ],
  'names a record with a null in its key, and stores the others': [
    ['named', 'throws for a null key'],
    ['named', 'swallows the bad'],
    ['named', 'loses a neighbour'],
    ['named', 'takes nothing beside a bad one'],
    ['named', 'has one code for all'],
  ],
  'names a record that cannot be encoded, and stores the others': [
    ['keyed', 'lets the encoder throw'],
    ['staged', 'swallows the bad'],
    ['log', 'loses a neighbour'],
    ['log', 'looks at the batch instead of the records'],
    ['held', 'names a neighbour too'],
    ['keyed', 'says that it may pass'],
  ],
  'names a record that the system refuses, and stores the others': [
    ['keyed', 'swallows the bad'],
    ['keyed', 'throws for all'],
    ['staged', 'names the wrong one'],
    ['keyed', 'says not why'],
    ['log', 'loses a neighbour'],
    ['log', 'takes nothing beside a bad one'],
  ],
  'does not change the rows it is given': [['keyed', 'changes its rows']],
  'deletes what has the key of a record without a value, if it is told to': [['named', 'never deletes']],
  'ends within a second if it was aborted before': [['keyed', 'deaf to abort']],
  'aborts opening within a second while the system hangs': [
    ['keyed', 'deaf to abort in open'],
    ['keyed', 'deaf to abort in close'],
  ],
  'aborts a write within a second while the system hangs': [
    ['keyed', 'deaf to abort in write'],
    ['log', 'throws the reason of the abort'],
  ],
  'aborts a flush within a second while the system hangs': [['keyed', 'deaf to abort in flush']],
  'aborts publishing within a second while the system hangs': [['staged', 'deaf to abort in publish']],
  'can be closed at any time, and twice': [['staged', 'closes once']],
  'stops if it finds results of an earlier run, unless it may replace or keep them': [
    ['staged', 'overlooks existing'],
    ['staged', 'replaces nothing'],
  ],
  'writes the same without generated code': [['keyed', 'twin differs']],
}

for (const kind of ['keyed', 'named', 'staged', 'held', 'log'] as const)
  describe(kind, () => sinkContract(subject(kind)))

/** Those for streams have broken ones of their own: wire.test.ts. */
const ownChecks = sinkChecks.filter(({ name }) => !wireWriting.some((check) => check.name === name))

describe('a broken sink', () => {
  it('exists for every check', () => expect(Object.keys(bugs)).toEqual(ownChecks.map((check) => check.name)))
  for (const check of sinkChecks) {
    for (const [kind, bug] of bugs[check.name] ?? []) {
      it(`${kind} that ${bug}: detected by "${check.name}"`, () =>
        expect(runCheck(check, subject(kind, bug), 'sink')).rejects.toThrow())
    }
  }
})

describe('a setup', () => {
  const broken = (kind: Kind, change: Partial<SinkSetup>): SinkSubject => {
    const right = subject(kind)
    return { ...right, setup: async (scope) => ({ ...(await right.setup(scope)), ...change }) }
  }
  const of = (what: string) => sinkChecks.find(({ name }) => name.includes(what))!
  it.each([
    ['names no null keys though its sink has a key', 'null in its key', { nullKeys: { none: 'no reason' } }],
    ['names another null key than that of its sink', 'null in its key', { nullKeys: ['at'] }],
    ['leaves out without a word what cannot be encoded', 'cannot be encoded', { unencodable: [] }],
    ['gives no reason for leaving out what is refused', 'system refuses', { refused: { none: '' } }],
    [
      'brings a row that can be stored for one that is refused',
      'system refuses',
      { refused: [{ row: { n: 1 }, code: 'x' }] },
    ],
    ['gives no reason why its system cannot hang', 'aborts a flush', { hang: { none: '' } }],
    ['says that its system hangs, and it does not', 'aborts a write', { hang: () => () => {} }],
  ] satisfies [string, string, Partial<SinkSetup>][])('that %s is not let pass', async (_what, name, change) => {
    await expect(runCheck(of(name), broken('named', change), 'sink')).rejects.toThrow()
  })
})
