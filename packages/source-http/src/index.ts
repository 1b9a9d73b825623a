/** Records over HTTP: posted to a gateway, or polled from an address. */
import type { Definition } from '@millrace/core'
import { sourceHttpPoll } from './poll/source.ts'
import { sourceHttp } from './source.ts'

export { sourceHttp, sourceHttpPoll }
export default [sourceHttp, sourceHttpPoll] satisfies Definition[]
