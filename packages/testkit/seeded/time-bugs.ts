/** Bugs of event time: of the state of windows, their cut, announcements, the end of input, idleness, borders. */
import type { SeededBug } from './bug.ts'

const lanes = 'packages/core/src/run/lanes.ts'
const intake = 'packages/core/src/run/intake.ts'
const component = 'packages/core/src/run/component.ts'
const windows: Pick<SeededBug, 'test' | 'says'> = {
  test: ['packages/transforms/test/windows/windows.test.ts', 'that are killed in each epoch'],
  says: /case \d+/,
}
const inLanes = (name: string): Pick<SeededBug, 'test' | 'says'> => ({
  test: ['packages/core/test/time/lanes.test.ts', name],
  says: /expected/,
})

export const timeBugs: readonly SeededBug[] = [
  {
    name: 'lanes of the next epoch saved with the windows of this one',
    breaks: 'After a restart, windows are closed for records that are read again.',
    file: component,
    edits: [
      ['      lanes: lanes.changes(),', '      get lanes() { return ((this as any).lanesMade ??= lanes.changes()) },'],
    ],
    ...windows,
  },
  {
    name: 'the announcement of a lane that is not saved',
    breaks: 'After a restart a lane without records holds nothing back, and its first records are late.',
    file: lanes,
    edits: [
      [
        'newLane(name, Number.isFinite(high) ? high : Number.NEGATIVE_INFINITY, false)',
        'newLane(name, Number.isFinite(high) ? high : Number.NEGATIVE_INFINITY, true)',
      ],
    ],
    ...inLanes('a lane without records before a restart'),
  },
  {
    name: 'windows that close before splits are announced',
    breaks: 'What comes from a source that is not there yet is late.',
    file: lanes,
    edits: [[': of.ended ? [] : [of.placeholder]', ': of.ended ? [] : []']],
    test: ['packages/core/test/time/watermarks.test.ts', 'that a source has no lane yet'],
    says: /expected/,
  },
  {
    name: 'an idle lane that holds the watermark',
    breaks: 'One silent partition keeps every window open.',
    file: lanes,
    edits: [['          lane.idle = true\n          lane.isSaved = false\n          nowIdle', '          nowIdle']],
    ...windows,
  },
  {
    name: 'an idle lane that does not come back',
    breaks: 'What it still delivers finds windows closed that it should hold open.',
    file: lanes,
    edits: [['lane.idle = lane.hadEnded = false', 'lane.hadEnded = false']],
    ...windows,
  },
  {
    name: 'a lane that has more is idle',
    breaks: 'Windows close for records that were at hand.',
    file: lanes,
    edits: [['if (!lane.caughtUp || lane.ended || lane.idle) continue', 'if (lane.ended || lane.idle) continue']],
    ...windows,
  },
  {
    name: 'downtime makes lanes idle',
    breaks: 'A restart closes windows for records that were at hand.',
    file: component,
    edits: [['let lastTickMs = clock.monotonic()', 'let lastTickMs = 0']],
    ...windows,
  },
  {
    name: 'a lane that became idle is not repeated',
    breaks: 'After a restart records are counted that were late before, or the other way round.',
    file: intake,
    edits: [["    if (entry.kind === 'idle') lanes.markIdle(entry.lanes)\n", '']],
    ...windows,
  },
  {
    name: 'the end of a source is not in the logged order',
    breaks: 'After a restart it holds windows back that were closed, and what was late is counted.',
    file: intake,
    edits: [["    order?.append({ kind: 'ended', source: node.id, clock: now })\n", '']],
    ...inLanes('the end of a source is repeated where it was'),
  },
  {
    name: 'an end of input that closes nothing',
    breaks: 'The last windows are never emitted.',
    file: component,
    edits: [['    if (ended && !halt.isHalted) await intake.end()\n', '']],
    ...windows,
  },
  {
    name: 'an end of input that is an event time',
    breaks: 'What comes in the next run is late.',
    file: 'packages/core/src/run/lane.ts',
    edits: [
      [
        '  return Math.max(...ended.map(({ watermark }) => watermark))',
        '  return ended.length > 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY',
      ],
    ],
    ...inLanes('the furthest decides'),
  },
  {
    name: 'a watermark a millisecond ahead',
    breaks: 'Windows close for a record that is just not late.',
    file: lanes,
    edits: [['lane.high - outOfOrderMs(of) - 1', 'lane.high - outOfOrderMs(of)']],
    ...windows,
  },
  {
    name: 'a millisecond too long for late records, in tumbling windows',
    breaks: 'A record is counted that is late.',
    file: 'packages/transforms/src/aggregate/tumbling.ts',
    edits: [['closes <= before[i]!', 'closes < before[i]!']],
    ...windows,
  },
  {
    name: 'a millisecond too long for late records, in sliding windows',
    breaks: 'A record is counted that is late.',
    file: 'packages/transforms/src/aggregate/sliding.ts',
    edits: [['Math.max(before[i]!, Math.max(reached', 'Math.max(before[i]! - 1, Math.max(reached']],
    ...windows,
  },
  {
    name: 'a millisecond too long for late records, in sessions',
    breaks: 'A record is counted that is late.',
    file: 'packages/transforms/src/aggregate/sessions.ts',
    edits: [['allowed <= Math.max(before[i]! - 1, reached)', 'allowed < Math.max(before[i]! - 1, reached)']],
    ...windows,
  },
  {
    name: 'a window that has closed takes a record',
    breaks: 'It is emitted again, with that record alone.',
    file: 'packages/transforms/src/aggregate/tumbling.ts',
    edits: [['closes - 1 <= reached', 'closes - 1 < reached']],
    ...windows,
  },
  {
    name: 'a record from the future, by a millisecond',
    breaks: 'A record is refused that is just within `max_future`.',
    file: 'packages/core/src/run/event-time.ts',
    edits: [['value > (arrivalOf(batch, i) ?? now) + maxFutureMs', 'value >= (arrivals?.[i] ?? now) + maxFutureMs']],
    ...windows,
  },
  {
    name: 'panes that forget which of their windows have closed',
    breaks: 'After a restart closed windows are emitted again, with what is left of their panes.',
    file: 'packages/transforms/src/aggregate/sliding.ts',
    edits: [['if (settled.of(group.split) < of.end - 1 + allowed) of.updated', 'of.updated']],
    test: ['packages/transforms/test/windows/restart.test.ts', 'though a pane of them is left'],
    says: /expected/,
  },
  {
    name: 'a rescale that goes on from the highest watermark',
    breaks: 'Windows of an instance that had come less far fire without their last records, which are late.',
    file: 'packages/core/src/run/rescale-lanes.ts',
    edits: [['const high = Math.min(...reached)', 'const high = Math.max(...reached)']],
    test: ['packages/cli/test/instances-windows.test.ts', 'however far an instance had come'],
    says: /to deeply equal/,
  },
  {
    name: 'sliding windows that fire again for a split that was ahead',
    breaks: 'After a rescale, results are there twice.',
    file: 'packages/transforms/src/aggregate/sliding.ts',
    edits: [['fired.differs ? groupsIn', 'fired.differs && false ? groupsIn']],
    test: ['packages/cli/test/instances-windows.test.ts', 'however far an instance had come'],
    says: /to deeply equal/,
  },
]
