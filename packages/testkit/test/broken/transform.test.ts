import { describe, expect, it } from 'vitest'
import {
  runCheck,
  transformChecks,
  transformContract,
  type TransformSetup,
  type TransformSubject,
} from '../../src/contract/index.ts'

const module = new URL('./tally.ts', import.meta.url)
const integer = { type: { kind: 'integer' }, optional: false } as const

const halved = (bug = ''): TransformSetup => ({
  options: { bug },
  input: { fields: { n: integer, bytes: { type: { kind: 'bytes' }, optional: true } } },
  rows: [4, 3, 0, -1, 8, 5, 6, 2].map((n) => (n === 8 ? { n, bytes: new Uint8Array([7]) } : { n, bytes: null })),
  expected: [4, 8, 6, 2].map((n) => ({ n, half: n / 2 })),
  expectedSides: { odd: [{ n: 3 }, { n: 5 }] },
  expectedFailures: ['negative'],
})
const tallied = (bug = ''): TransformSetup => ({
  options: { bug },
  input: { fields: { name: { type: { kind: 'string' }, optional: false } } },
  rows: Array.from({ length: 30 }, (_, i) => ({ name: ['ann', 'bob', 'cy'][(i * i) % 3] })),
  expected: [],
  expectedResults: [
    { name: 'ann', count: 10 },
    { name: 'bob', count: 20 },
  ],
})

transformContract(module, 'halve', { plainly: () => halved() })
transformContract(module, 'tally', { plainly: () => tallied() })

type Bug = readonly [type: 'halve' | 'routing_halve' | 'deaf_halve' | 'tally' | 'secret_tally', bug: string]

/** The bugs that each check must detect. */
const bugs: Record<string, readonly Bug[]> = {
  'create opens nothing': [['halve', 'opens in create']],
  'gives the expected output': [['halve', 'wrong value']],
  'gives rows of the type that it infers': [['halve', 'infers otherwise']],
  'does not change its input': [
    ['halve', 'changes its input'],
    ['halve', 'changes bytes'],
  ],
  'accounts for each row exactly once': [
    ['halve', 'origins too far'],
    ['halve', 'origins fall'],
    ['halve', 'no origins'],
    ['halve', 'fails and passes'],
    ['halve', 'passes twice'],
    ['tally', 'holds too many'],
  ],
  'gives rows of one shape': [['halve', 'shapes differ']],
  'gives the same output whatever the batch size': [['halve', 'depends on the batch']],
  'accepts an empty batch': [
    ['halve', 'chokes on nothing'],
    ['halve', 'counts calls'],
  ],
  'gives the same output after a restart at any point': [
    ['tally', 'forgets a change'],
    ['tally', 'restores wrong'],
    ['tally', 'never restores'],
  ],
  'is not affected when its changes are taken': [['tally', 'clears at the cut']],
  'returns each change once': [
    ['tally', 'repeats its changes'],
    ['tally', 'names a key twice'],
    ['tally', 'takes what it restored for a change'],
  ],
  'declares its memory': [
    ['tally', 'never restores'],
    ['secret_tally', ''],
  ],
  'gives the same output without generated code': [['halve', 'twin differs']],
  'leaves unchanged what it declares to be unchanged': [
    ['halve', 'keeps what it changes'],
    ['halve', 'keeps what was not there'],
  ],
  'gives no two records of one output the same id': [['halve', 'gives a record twice']],
  'sends each record to one of its named outputs, if it routes': [['routing_halve', '']],
  'reports how many changes the next takeChanges returns': [['tally', 'tells of too many changes']],
  'names what its memory depends on': [
    ['tally', 'depends on all fields'],
    ['tally', 'depends on nothing'],
  ],
  'keeps the memory of splits separate, and moves it with them': [
    ['tally', 'names no split'],
    ['tally', 'reads all from the first split'],
    ['tally', 'keys clash'],
  ],
  'depends on the order of lanes only if it declares that': [['tally', 'counts by turns']],
  'removes repeats or declares that it counts them': [
    ['deaf_halve', ''],
    ['secret_tally', ''],
  ],
}

describe('a broken step', () => {
  const subject = ([type, bug]: Bug): TransformSubject => ({
    module,
    type,
    setup: () => (type.endsWith('halve') ? halved(bug) : tallied(bug)),
  })
  it('exists for every check', () => expect(Object.keys(bugs)).toEqual(transformChecks.map((check) => check.name)))
  for (const check of transformChecks) {
    for (const bug of bugs[check.name] ?? []) {
      it(`${bug.join(' that ')}: detected by "${check.name}"`, () =>
        expect(runCheck(check, subject(bug), 'step')).rejects.toThrow())
    }
  }
})
