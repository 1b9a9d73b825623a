/**
 * The definition. It drops records on purpose: the engine has counted them. For measuring, and for branches that are
 * not needed.
 */
import { defineSink, option } from '@millrace/core'

export const nothing = defineSink({
  kind: 'sink',
  type: 'null',
  summary: 'Keeps nothing: records are counted and dropped.',
  options: option.object({}),
  capabilities: () => ({
    label: 'effectively-once',
    how: 'nothing is kept, so nothing can be duplicated',
    key: 'record_id',
    keyed: true,
  }),
  mapping: () => 'dropped',
  create: () => ({ write() {} }),
})
