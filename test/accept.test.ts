/** The real data, where it is available: `MILLRACE_DATA` names its folder. */
import { expect, it } from 'vitest'
import { freshFolder } from '../packages/cli/test/terminal.ts'
import { acceptRetail } from '../scripts/accept/retail.ts'

const data = process.env['MILLRACE_DATA']

it.skipIf(!data)(
  'the real retail file holds its known facts in Parquet, JSON lines and SQLite, as other readers find them',
  async () => expect(await acceptRetail(data!, freshFolder())).toBe(true),
  300_000,
)
