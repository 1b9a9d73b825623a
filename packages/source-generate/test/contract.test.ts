import { sourceContract } from '@millrace/testkit'
import { describe } from 'vitest'
import { generate } from '../src/source.ts'
import { optionsOf, read, shop } from './flow.ts'

const common = {
  module: new URL('../src/index.ts', import.meta.url),
  type: 'generate',
  positions: new URL('./positions.json', import.meta.url),
}
const env = { root: '/', home: '/', profile: 'local', pipeline: 'p', id: 's', resolve: (path: string) => path }
const pinned = '\nclock: 2026-01-31T12:00:00Z\n'

async function setup(text: string) {
  const options = optionsOf(text)
  const schema = await generate.infer!(options, env, AbortSignal.abort())
  const { rows } = await read(text)
  return { options, schema, rows }
}

describe('a stream that refers to others', () => {
  sourceContract({
    ...common,
    setup: () => setup(`${shop()}${pinned}stream: transactions\ncount: 3500\nkey: customer_id`),
  })
})

describe('a stream that only some turns make', () => {
  sourceContract({
    ...common,
    positions: [{ since: '0.1.0', position: { turn: 2093, made: 1000 }, next: 1000 }],
    setup: () => setup(`${shop()}${pinned}stream: customers\ncount: 7000`),
  })
})

describe('a generator of one stream that waits for its rate', () => {
  const fields = 'fields: { id: sequence, at: { time: { from: -1d } }, price: { number: { from: 1, to: 2 } } }'
  sourceContract({
    ...common,
    positions: [{ since: '0.1.0', position: { turn: 1, made: 1 }, next: 1 }],
    setup: () => setup(`${fields}${pinned}rate: 500/s\ncount: 50`),
  })
})
