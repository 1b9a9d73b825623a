/** Bugs of what streams carry beside values: keys, headers, and records without a value. */
import type { SeededBug } from './bug.ts'

const bytes = 'packages/cli/test/stream-bytes.test.ts'

export const wireBugs: readonly SeededBug[] = [
  {
    name: 'keys are read as text, whatever they are',
    breaks: 'Keys that are no UTF-8, such as Longs, become equal: records of different keys are merged.',
    file: 'packages/core/src/record/wire.ts',
    edits: [["  return text.includes('\\ufffd') && !isUtf8(bytes) ? bytes : text", '  return text']],
    test: [bytes, 'is copied with its keys, headers and nulls'],
    says: /expected/,
  },
  {
    name: 'of equal headers the last one stays',
    breaks: 'A header that is repeated, as traces and routes are, is lost.',
    file: 'packages/core/src/record/wire.ts',
    edits: [
      [
        '  headers.map(([name, value]) => [wireJson(name)',
        '  [...new Map(headers.map((each) => [String(each[0]), each])).values()].map(([name, value]) => [wireJson(name)',
      ],
    ],
    test: [bytes, 'is copied with its keys, headers and nulls'],
    says: /expected/,
  },
  {
    name: 'a header that is null becomes empty',
    breaks: 'Null and empty are one, so a reader that tells them apart is misled.',
    file: 'packages/core/src/record/wire.ts',
    edits: [['value === null ? null : wireJson(value)', "value === null ? '' : wireJson(value)"]],
    test: [bytes, 'comes through a dead letter and its replay'],
    says: /expected/,
  },
  {
    name: 'a record without a value is written as an empty one',
    breaks: 'What it deletes stays in every compacted topic behind, and readers get a record that none can decode.',
    file: 'packages/kinds/src/streams/encode.ts',
    edits: [['        nulls: nulls.length > 0 ? new Set(nulls) : undefined,', '        nulls: undefined,']],
    test: [bytes, 'is copied with its keys, headers and nulls'],
    says: /expected/,
  },
  {
    name: 'a tombstone is forgotten when a batch is cut',
    breaks: 'A record that deletes becomes one of nulls if a restart cuts its batch elsewhere.',
    file: 'packages/core/src/run/split-batch.ts',
    edits: [
      [
        '    ...(tombstoneAt ? { tombstoneAt: (i: number) => tombstoneAt.call(batch, from + i) } : {}),',
        '    tombstoneAt: tombstoneAt && (() => false),',
      ],
    ],
    test: ['packages/core/test/run/beside.test.ts', 'split in two'],
    says: /expected/,
  },
]
