/** The swap of profiles on generated lines: the same specs leave the same records in every store of each profile. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { liveUrl, retailSample } from '@millrace/testkit'
import { expect, it } from 'vitest'
import { freshFolder } from '../packages/cli/test/terminal.ts'
import { acceptSwap, swapped } from '../scripts/accept/swap.ts'

const servers = ['KAFKA', 'MONGODB', 'POSTGRES', 'KINESIS', 'DYNAMODB', 'S3', 'REDSHIFT'].map((name) => liveUrl(name))

it.skipIf(servers.includes(undefined))(
  `leaves the same records on ${swapped.join(', ')}, and finds a changed one in each store`,
  { timeout: 1_800_000 },
  async () => {
    const folder = freshFolder()
    const input = join(folder, 'retail.csv')
    writeFileSync(input, retailSample({ rows: 20_000, badDates: 0 }))
    expect(await acceptSwap(input, folder)).toBe(true)
  },
)
