/**
 * Bugs that would break a promise, each with the test that must see it. `npm run seeded` applies them one by one to a
 * copy of the sources and demands that the named test fails: a harness that never failed proves nothing.
 */

import type { SeededBug } from './bug.ts'
import { timeBugs } from './time-bugs.ts'
import { wireBugs } from './wire-bugs.ts'

export type { SeededBug }

const loop = 'packages/testkit/test/loop/loop.test.ts'

export const seededBugs: readonly SeededBug[] = [
  {
    name: 'commit before save',
    breaks: 'A commit action deletes what no saved position covers: records are lost (invariant 3).',
    file: 'packages/core/src/run/epoch.ts',
    edits: [
      [
        '    const ids = saveAll(',
        '    await commit(barrier, answered, { stages: [], commitActions: barrier.commitActions.map(() => 0) })\n    const ids = saveAll(',
      ],
    ],
    test: [loop, 'at before_save'],
    says: /lost/,
  },
  {
    name: 'publish before save',
    breaks: 'What a reader saw comes again under another name, or changes (invariant 3).',
    file: 'packages/core/src/run/epoch.ts',
    edits: [
      [
        '    const ids = saveAll(',
        '    for (const { node, stage } of flushed.stages) await publish({ node, stage, id: 0 })\n    const ids = saveAll(',
      ],
    ],
    test: [loop, 'before the save of an epoch with a stage'],
    says: /published before it was saved/,
  },
  {
    name: 'state of the next epoch saved with the positions of this one',
    breaks: 'Records between the two barriers are counted twice (invariant 2).',
    file: 'packages/core/src/run/component.ts',
    edits: [
      [
        '      changes: steps.flatMap(',
        '      get changes() { return (this as any).made ??= (this as any).make() },\n      made: undefined as any,\n      make: () => steps.flatMap(',
      ],
    ],
    test: [loop, 'at after_commit'],
    says: /state: .*duplicated or wrong/,
  },
  {
    name: 'state apart from positions',
    breaks: 'Killed between the two, the state misses records or has them twice (invariant 2).',
    file: 'packages/core/src/store/writing.ts',
    edits: [
      ["        crashPoint('mid_save')", "        db.exec('COMMIT; BEGIN IMMEDIATE')\n        crashPoint('mid_save')"],
    ],
    test: [loop, 'at mid_save'],
    says: /lost/,
  },
  {
    name: "record id from the batch's position",
    breaks: 'A record that is read again in another batch gets another id, and its document is doubled.',
    file: 'packages/core/src/record/records.ts',
    edits: [
      ['idPosition(batch.positionAt(index))', '`${JSON.stringify(batch.position)}:${index}`'],
      [
        'idPosition(only.batch.positionAt(this.origins ? this.origins[i]! : i))',
        '`${JSON.stringify(only.batch.position)}:${i}`',
      ],
    ],
    test: [loop, 'at after_write'],
    says: /by key: .*duplicated/,
  },
  {
    name: 'save when the first sink has reached the barrier',
    breaks: 'A position is saved that a slower sink has not taken (invariant 1).',
    file: 'packages/core/src/run/component.ts',
    edits: [['const writers = countdown(component.sinks.length)', 'const writers = countdown(1)']],
    test: [loop, 'at after_save'],
    says: /lost/,
  },
  {
    name: 'a dead letter of the next epoch in this one',
    breaks: 'It is counted, but its record is read again and counted once more: the balance is wrong (invariant 14).',
    file: 'packages/core/src/run/bad-records.ts',
    edits: [['if (ctx.beforeDeadLetter() && !isSink.has(f.node))', 'if (false)']],
    test: [loop, 'at '],
    says: /imbalances/,
  },
  {
    name: 'stage not truncated on restart',
    breaks:
      'What was written after the last save stays in the file, and comes again: lines are doubled or torn (invariant 4).',
    file: 'packages/sink-files/src/staging.ts',
    edits: [['      await file.truncate(bytes)', '']],
    test: ['packages/sink-files/test/cut-back.test.ts', 'is cut back before it is shown'],
    says: /was changed/,
  },
  {
    name: 'stage without fsync',
    breaks: 'A power cut leaves a file under its final name with bytes missing.',
    file: 'packages/kinds/src/objects/output.ts',
    edits: [['    await this.file.sync()\n    await this.file.close()', '    await this.file.close()']],
    test: ['packages/sink-files/test/power.test.ts', 'lose and double nothing when the power is cut'],
    says: /./,
  },
  {
    name: 'published before the mark says so',
    breaks: 'A crash in between takes a file that a reader has taken for one that was lost (invariant 5).',
    file: 'packages/sink-files/src/publish.ts',
    edits: [
      [
        "  await mark.advance(file)\n  crashPoint('file_marked')\n  await disk.rename(temp, final)\n",
        '  await disk.rename(temp, final)\n  await mark.advance(file)\n',
      ],
    ],
    test: ['packages/sink-files/test/power.test.ts', 'come to a reader once'],
    says: /is gone/,
  },
  {
    name: 'an older state is taken for the latest',
    breaks: 'Its next epochs pass for loaded, and their rows are lost (invariant 4).',
    file: 'packages/sink-sqlite/src/append.ts',
    edits: [['if (published && !isKnown(published, saved)) throw', 'if (false) throw']],
    test: ['packages/sink-sqlite/test/state-older.test.ts', 'a state of any epoch is refused'],
    says: /instead of rejecting/,
  },
  {
    name: 'a file is not compared when its end is read',
    breaks: 'Half of one content and half of another are read, without a word.',
    file: 'packages/client-files/src/input.ts',
    edits: [
      [
        "!isSame || isRecent ? await this.compare(extent, signal) : 'same'",
        "'same' as Awaited<ReturnType<typeof this.compare>>",
      ],
    ],
    test: ['packages/client-files/test/files-changed.test.ts', 'that is written again in place'],
    says: /instead of rejecting/,
  },
  {
    name: 'skip a known epoch',
    breaks: 'An epoch that was not saved comes again with other records, and they are lost (invariant 4).',
    file: 'packages/sink-sqlite/src/append.ts',
    edits: [
      [
        '  db.prepare(`DELETE FROM ${stage} WHERE _millrace_start <> ? OR _millrace_epoch > ?`)',
        '  if (!saved) db.prepare(`DELETE FROM ${stage} WHERE _millrace_start <> ? OR _millrace_epoch > ?`)',
      ],
      [
        '      if (records.length === 0) return\n',
        '      if (records.length === 0 || (staged === 0 && db.prepare(`SELECT 1 FROM ${identifier(place.stage)} WHERE _millrace_epoch = ?`).get(epoch))) return\n',
      ],
    ],
    test: ['packages/sink-sqlite/test/contract-table.test.ts', 'accepts an unsaved epoch that is repeated'],
    says: /lost|duplicated|are there/,
  },
  {
    name: 'answer before the sinks have it',
    breaks: 'A 201 is sent for a record that a crash then loses (invariant 6).',
    file: 'packages/source-http/src/source.ts',
    edits: [['pending ? requests.wait(pending) :', "pending ? { status: o.status, body: 'null' } :"]],
    test: ['packages/source-http/test/gateway.test.ts', 'does not answer before the store has the record'],
    says: /answered/,
  },
  {
    name: 'the answer of a failed record is remembered',
    breaks: 'A record that a sink could not take is not taken when it is sent again under its key.',
    file: 'packages/source-http/src/source.ts',
    edits: [
      [
        "if (status >= 400 || one.answers?.some(({ outcome }) => outcome === 'failed')) continue",
        'if (status >= 400) continue',
      ],
    ],
    test: ['packages/source-http/test/failing.test.ts', 'among others is told in a 207'],
    says: /expected 207 to be 201/,
  },
  {
    name: 'a letter is kept without what stood beside its value',
    breaks: 'A replayed record of a stream has no key, and the time of its epoch.',
    file: 'packages/source-log/src/batch.ts',
    edits: [['    context: contextOf(time),\n    keys', '    keys']],
    test: ['packages/source-log/test/contract.test.ts', 'with fields from beside the value'],
    says: /decoded again/,
  },
  ...wireBugs,
  {
    name: 'a component is not told that the run was given up',
    breaks: 'It goes on waiting for a sink after the drain timeout, as if everything could still be saved.',
    file: 'packages/core/src/run/component.ts',
    edits: [["  else abort.signal.addEventListener('abort', onAbort)\n", '']],
    test: ['packages/cli/test/stopping.test.ts', 'work that takes longer than --drain-timeout'],
    says: /expected/,
  },
  {
    name: 'order that is not kept',
    breaks: 'After a restart the lanes are read in another order, and what was written already is contradicted.',
    file: 'packages/core/src/run/order.ts',
    edits: [['  const left = notCovered(readEntries(path, head), at.covered)', '  const left: Numbered[] = []']],
    test: ['packages/core/test/time/time.test.ts', 'where lanes are idle'],
    says: /expected/,
  },
  {
    name: 'watermark that is not saved',
    breaks: 'After a restart a window that was closed opens again, and its result is replaced by a part of it.',
    file: 'packages/core/src/run/lanes.ts',
    edits: [['        unsavedWatermarks.add(key)\n', '']],
    test: ['packages/core/test/time/time.test.ts', 'where lanes are idle'],
    says: /expected/,
  },
  {
    name: 'a stop that ends lanes',
    breaks: 'What another source still delivers closes windows that are not complete.',
    file: 'packages/core/src/run/component.ts',
    edits: [
      ['if (!stopReading.signal.aborted) {\n        intake.ended(node)', 'if (true) {\n        intake.ended(node)'],
    ],
    test: ['packages/core/test/time/watermarks.test.ts', 'a stop ends no lane'],
    says: /expected/,
  },
  {
    name: 'an idle lane that is not saved',
    breaks: 'After a restart it holds back the watermark again, and what was late before is counted.',
    file: 'packages/core/src/run/lanes.ts',
    edits: [["      restored.idle = state === 'idle'\n", '']],
    test: ['packages/core/test/time/time.test.ts', 'where lanes are idle'],
    says: /expected/,
  },
  {
    name: 'time that does not advance after each batch',
    breaks: 'The logged order is repeated with other watermarks, and what was written already is contradicted.',
    file: 'packages/core/src/run/intake.ts',
    edits: [
      [
        '    order && !order.isLazy && hasTime ? takeEach(node, batches, 0) : takeTogether(node, batches)',
        '    batches.length < 0 ? takeEach(node, batches, 0) : takeTogether(node, batches)',
      ],
    ],
    test: ['packages/core/test/time/time.test.ts', 'where lanes are idle'],
    says: /expected/,
  },
  {
    name: 'a failure that halts only a while later',
    breaks: 'What came after the last complete hand-over is saved, and the run ends as if all were well.',
    file: 'packages/core/src/run/halt.ts',
    edits: [
      [
        '      failed = { error }\n      tearDown(error)\n      for (const listen of listeners) listen(error)\n      listeners.clear()\n',
        '      setTimeout(() => {\n        failed ??= { error }\n        tearDown(error)\n        for (const listen of listeners) listen(error)\n        listeners.clear()\n      }, 1200)\n',
      ],
    ],
    test: ['packages/core/test/run/stops.test.ts', 'saves nothing of a batch that stops the run in another branch'],
    says: /instead of rejecting/,
  },
  {
    name: 'a state that was replaced is not noticed',
    breaks: 'A run goes on over a state that is not its own, and publishes on its account.',
    file: 'packages/core/src/store/writing.ts',
    edits: [['        lastWritten &&\n', '        false &&\n']],
    test: ['packages/core/test/store.test.ts', 'older copy'],
    says: /expected/,
  },
  {
    name: 'a replayed letter that is not remembered with its epoch',
    breaks: 'A replay that is killed and repeated delivers its records twice.',
    file: 'packages/core/src/run/replays.ts',
    edits: [
      [
        "        if (outcome.outcome === 'replayed') states",
        "        if (outcome.outcome === ('none' as string)) states",
      ],
    ],
    test: ['packages/core/test/run/replay.test.ts', 'killed'],
    says: /expected/,
  },
  ...timeBugs,
]
