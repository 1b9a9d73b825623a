/** A child process that runs the cases its parent sends, one at a time. */
import { rmSync } from 'node:fs'
import { makeFolder } from './folder.ts'
import { type CaseRequest, reportCase } from './case-report.ts'

const root = makeFolder()
// A simulated kill may leave promises that nobody awaits.
process.on('unhandledRejection', (error) => {
  if ((error as Error)?.name !== 'Killed') throw error
})
process.on('exit', () => rmSync(root, { recursive: true, force: true }))
process.on('disconnect', () => process.exit())
process.on('message', (request: CaseRequest) => {
  reportCase(root, request).then(
    (report) => process.send!(report),
    (error) => {
      throw error
    },
  )
})
