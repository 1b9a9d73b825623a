/** All sources, sinks and steps of the repository: those the command includes, and those a project installs itself. */
import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Definition, Registered } from '@millrace/core'
import { builtins } from '../packages/cli/src/builtins.ts'

const packages = resolve(import.meta.dirname, '../packages')

export async function allDefinitions(): Promise<readonly Registered[]> {
  const brought = builtins.map(async (builtin) => ({ definition: await builtin.load(), package: builtin.package }))
  const known = new Set(builtins.map((builtin) => builtin.package))
  const others = readdirSync(packages)
    .filter((name) => /^(source|sink)-/.test(name) && !known.has(`@millrace/${name}`))
    .map(async (name) => {
      const { default: own } = (await import(`../packages/${name}/src/index.ts`)) as { default: readonly Definition[] }
      return own.map((definition) => ({ definition, package: `@millrace/${name}` }))
    })
  return [...(await Promise.all(brought)), ...(await Promise.all(others)).flat()]
}
