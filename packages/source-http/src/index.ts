/** The HTTP gateway: a source whose records are posted to it. */
import type { Definition } from '@millrace/core'
import { sourceHttp } from './source.ts'

export { sourceHttp }
export default [sourceHttp] satisfies Definition[]
