import { AssertionError } from 'node:assert'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Push } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { runCheck, sourceChecks, sourceContract, type SourceSubject, wireReading } from '../../src/contract/index.ts'
import { lineType } from './lines.ts'

const names = ['ann', '', 'bob', 'é']
const dayOf = (n: number) => (n % 22 === 5 ? '2/30/2024' : `${1 + (n % 12)}/${1 + (n % 28)}/2024`)
const fileOf = (from: number) =>
  Array.from({ length: 22 }, (_, k) => (k === 9 ? '!\n' : `${from + k};${dayOf(from + k)};${names[(from + k) % 4]}\n`))
const columns: Push['columns'] = [
  { name: 'when', from: 'day', date: { step: 'dates', formats: ['M/d/yyyy'], zone: 'UTC', to: 'yyyy-MM-dd' } },
  { name: 'n', from: 'n' },
]

/** Two files of 22 records each; one of them is bad, and one has a day that does not exist. */
const subject = (
  bug: string,
  more: { endless?: boolean; positions?: SourceSubject['positions'] } = {},
): SourceSubject => ({
  module: new URL('./lines.ts', import.meta.url),
  type: 'lines',
  positions: more.positions ?? [{ since: '0.1.0', split: 'a.txt', position: { folder: '1', at: 42 }, next: 3 }],
  setup({ root }) {
    mkdirSync(join(root, 'in'), { recursive: true })
    writeFileSync(join(root, 'in.id'), '1')
    for (const [name, from] of [
      ['a.txt', 0],
      ['b.txt', 22],
    ] as const)
      writeFileSync(join(root, 'in', name), fileOf(from).join(''))
    const numbers = Array.from({ length: 44 }, (_, n) => n).filter((n) => n % 22 !== 9)
    return {
      options: { folder: 'in', bug, endless: more.endless ?? false },
      schema: lineType,
      rows: numbers.map((n) => ({ n, day: dayOf(n), name: names[n % 4] || null })),
      bad: [
        { code: 'bad_line', field: 'n' },
        { code: 'bad_line', field: 'n' },
      ],
      push: { columns },
      condition: 'n > 5 && n < 30 && n % 7 != 0',
      replace: () => writeFileSync(join(root, 'in.id'), '2'),
    }
  },
})

/** The bugs that each check must detect. */
const bugs: Record<string, readonly string[]> = {
  'create opens nothing': ['opens in create', 'writes in create', 'timer in create'],
  'reads every record once': ['loses one', 'drops bad', 'wrong code', 'same ids'],
  'gives each value the form of its declared type': ['wrong type'],
  'counts the fields that it leaves out': ['counts nothing left out'],
  'announces each split before its first batch': ['unannounced'],
  'counts the bytes of each batch': ['no bytes counted'],
  'gives positions that increase within their split': ['positions fall', 'positions repeat'],
  'gives the same ids in every read': ['random ids'],
  'resumes after every batch, with the same ids however the input is divided into batches': [
    'position too far',
    'position lags',
    'never resumes',
    'position by batch',
    'no position',
  ],
  'resumes from every position ever released': ['position of another shape', 'forgets old positions'],
  'reports that a split has nothing more when that is so, and only then': [
    'ends without a position',
    'goes on after the end',
    'ends and has nothing more',
    'never says it',
    'says it once',
    'says it of one',
    'says it of all',
  ],
  'holds a split back until it is wanted again': [
    'never asks whether it is wanted',
    'has nothing more while held back',
    'ends when held back',
    'asks again and again',
  ],
  'reads its own splits and no others': ['reads what others read'],
  'stops within a second of the abort': ['deaf to abort', 'deaf while it is held back'],
  'does not change a batch that it has yielded': ['reuses its buffer', 'changes its rows'],
  "gives each record's own bytes, which decode to the same record": [
    'wrong bytes',
    'decodes otherwise',
    'no bytes',
    'no bytes when pushed',
    'forgets the context',
  ],
  'gives the bytes of records it cannot decode, which fail again with the same code': [
    'bad without bytes',
    'bytes of another',
    'fails otherwise later',
  ],
  'accepts a commit twice': ['commits once'],
  'stops if the store it read has been replaced by a different one': [
    'reads any folder',
    'replaced by another code',
    'replaced without a hint',
  ],
  'can say where a record is': ['says nothing'],
  'skips only what a condition drops, and counts it': ['skips too much', 'skips uncounted', 'skips for another'],
  'reads the same with projection, renames and dates pushed into it': ['push forgets dates', 'step unnamed'],
  'reads the same without generated code': ['twin differs'],
}

/** Those for streams have broken ones of their own: wire.test.ts. */
const ownChecks = sourceChecks.filter(({ name }) => !wireReading.some((check) => check.name === name))

/** Bugs that only a source without an end can have. */
const endless = ['never says it', 'says it once', 'says it of one', 'says it of all']

sourceContract(subject(''))
describe('without an end', () => sourceContract(subject('', { endless: true })))

describe('a broken source', () => {
  it('exists for every check', () =>
    expect(Object.keys(bugs).sort()).toEqual(ownChecks.map((check) => check.name).sort()))
  for (const check of sourceChecks) {
    for (const bug of bugs[check.name] ?? []) {
      it(`${bug}: detected by "${check.name}"`, () =>
        expect(runCheck(check, subject(bug, { endless: endless.includes(bug) }), 'source')).rejects.toThrow(
          AssertionError,
        ))
    }
  }
})
