/**
 * Connectors that show what those of the command do not: one that cannot be loaded, some whose code fails during the
 * check, a sink that supports few types.
 */
import { type Builtin, defineSink, defineSource, defineTransform, option } from '../../packages/core/src/index.ts'

const fail = (): never => {
  throw new Error('out of luck')
}

const step = defineTransform({
  kind: 'transform',
  type: 'boom',
  summary: 'Fails.',
  options: option.object({ at: option.text('Where.') }),
  infer: fail,
  create: fail,
})

const source = defineSource({
  kind: 'source',
  type: 'boom',
  summary: 'Fails.',
  options: option.object({}),
  capabilities: fail,
  create: fail,
})

const narrow = defineSink({
  kind: 'sink',
  type: 'narrow',
  summary: 'Holds single values only.',
  options: option.object({}),
  capabilities: () => ({ label: 'at-least-once', how: 'nothing is kept' }),
  mapping: ({ kind }) => (kind === 'json' || kind === 'list' || kind === 'object' ? undefined : 'text'),
  create: fail,
})

/** To be passed in addition to the command's own. */
export const madeConnectors: readonly Builtin[] = [
  { kind: 'transform', type: 'boom', package: 'millrace-transform-boom', load: async () => step },
  { kind: 'source', type: 'boom', package: 'millrace-source-boom', load: async () => source },
  { kind: 'sink', type: 'narrow', package: 'millrace-sink-narrow', load: async () => narrow },
  { kind: 'source', type: 'broken', package: 'millrace-source-broken', load: async () => fail() },
]
