/**
 * Bugs that would break a promise, each with the test that must see it. `npm run seeded` applies them one by one to a copy of the sources and demands that the named
 * test goes red: a harness that never failed proves nothing.
 */

export interface SeededBug {
  /** What is done wrong. */
  readonly name: string
  /** What it would break. */
  readonly breaks: string
  /** Below the repository. */
  readonly file: string
  /** Text of the file, which must be there once, and what stands in its place. */
  readonly replace: string
  readonly with: string
  /** The test file, and the test in it by its full name or a part of that. */
  readonly test: readonly [file: string, name: string]
  /** In the message of the failed test: it failed for this reason and no other. */
  readonly says: RegExp
}

const loop = 'packages/testkit/test/loop/loop.test.ts'

export const seededBugs: readonly SeededBug[] = [
  {
    name: 'commit before save',
    breaks: 'A duty deletes what no saved position covers: records are lost (invariant 3).',
    file: 'packages/core/src/run/epoch.ts',
    replace: '  const ids = store.save({',
    with: '  await commit(cut, answered, ctx)\n  const ids = store.save({',
    test: [loop, 'at before_save'],
    says: /lost/,
  },
  {
    name: 'publish before save',
    breaks: 'What a reader saw comes again under another name, or changes (invariant 3).',
    file: 'packages/core/src/run/epoch.ts',
    replace: '  const ids = store.save({',
    with: '  for (const { sink, stage } of stages) await ctx.publish(sinks.find((s) => s.id === sink)!, stage)\n  const ids = store.save({',
    test: [loop, 'before the save of an epoch with a stage'],
    says: /published before it was saved/,
  },
  {
    name: 'state of the next epoch saved with the positions of this one',
    breaks: 'Records between the two cuts are counted twice (invariant 2).',
    file: 'packages/core/src/run/component.ts',
    replace: '      changes: steps.flatMap(',
    with: '      get changes() { return this.made ??= this.make() },\n      made: undefined as any,\n      make: () => steps.flatMap(',
    test: [loop, 'at after_commit'],
    says: /state: .*doubled or wrong/,
  },
  {
    name: 'state apart from positions',
    breaks: 'Killed between the two, the state misses records or has them twice (invariant 2).',
    file: 'packages/core/src/store.ts',
    replace: "        crashPoint('mid_save')",
    with: "        db.exec('COMMIT; BEGIN IMMEDIATE')\n        crashPoint('mid_save')",
    test: [loop, 'at mid_save'],
    says: /lost/,
  },
  {
    name: "record id from the batch's position",
    breaks: 'A record that is read again in another batch gets another id, and its document is doubled.',
    file: 'packages/core/src/record.ts',
    replace: '?? `${this.pipeline}/${source}/${batch.split}@${batch.positionAt(index)}`',
    with: '?? `${this.pipeline}/${source}/${batch.split}@${JSON.stringify(batch.position)}:${index}`',
    test: [loop, 'at after_write'],
    says: /by key: .*doubled/,
  },
  {
    name: 'save when the first sink has come to the cut',
    breaks: 'A position is saved that a slower sink has not taken (invariant 1).',
    file: 'packages/core/src/run/component.ts',
    replace: '      waiting: component.sinks.length,',
    with: '      waiting: 1,',
    test: [loop, 'at after_save'],
    says: /lost/,
  },
  {
    name: 'a dead letter of the next epoch in this one',
    breaks: 'It is counted, but its record is read again and counted once more: the balance is wrong (invariant 14).',
    file: 'packages/core/src/run/component.ts',
    replace: 'if (cutOnItsWay && !sinks.some((s) => s.id === f.node))',
    with: 'if (false)',
    test: [loop, 'at '],
    says: /imbalances/,
  },
]
