/** Plays the cases that its parent sends, one after the other, and sends back what came of each. */
import { rmSync } from 'node:fs'
import { makeFolder } from './folder.ts'
import { type Ask, tell } from './tell.ts'

const root = makeFolder()
// After a death, promises of what was going on may be left with nobody to hear of them.
process.on('unhandledRejection', (error) => {
  if ((error as Error)?.name !== 'Killed') throw error
})
process.on('exit', () => rmSync(root, { recursive: true, force: true }))
process.on('disconnect', () => process.exit())
process.on('message', (ask: Ask) => {
  tell(root, ask).then(
    (told) => process.send!(told),
    (error) => {
      throw error
    },
  )
})
