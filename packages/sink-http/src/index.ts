/** The sink that posts records over HTTP. */
import type { Definition } from '@millrace/core'
import { sinkHttp } from './sink.ts'

export { sinkHttp }
export default [sinkHttp] satisfies Definition[]
