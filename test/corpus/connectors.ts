/** Connectors that no good package would be: one that cannot be loaded, one whose code fails while it is checked. */
import { type Builtin, defineSource, defineTransform, option } from '../../packages/core/src/index.ts'

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

const source = defineSource({ kind: 'source', type: 'boom', summary: 'Fails.', options: option.object({}), capabilities: fail, create: fail })

/** To be passed beside the command's own. */
export const badConnectors: readonly Builtin[] = [
  { kind: 'transform', type: 'boom', package: 'millrace-transform-boom', load: async () => step },
  { kind: 'source', type: 'boom', package: 'millrace-source-boom', load: async () => source },
  { kind: 'source', type: 'broken', package: 'millrace-source-broken', load: async () => fail() },
]
