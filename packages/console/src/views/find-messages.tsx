/** Which messages of a stream are looked for. */
import { go } from '../route.ts'
import type { SplitLine } from '../wire/index.ts'

/** Where to look back from: a time, or a position of one partition. */
export function begin(until: string, split: string, position: string): Readonly<Record<string, string>> {
  if (until !== '') return { until }
  if (split === '' || !/^\d+$/.test(position)) return {}
  // That message is the first to be shown.
  return { before: JSON.stringify({ [split]: { position: String(BigInt(position) + 1n) } }) }
}

/** What is looked for, as it stands in the address. */
type Given = Readonly<Record<'search' | 'until' | 'split' | 'position', string>>

/** Asks for other messages: by text, time, partition, position. */
export function Find(props: { readonly here: string; readonly given: Given; readonly splits: readonly SplitLine[] }) {
  const { here, given, splits } = props
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const filled = [...new FormData(event.currentTarget as HTMLFormElement)] as [string, string][]
    go(
      `${here}?${new URLSearchParams(filled.map(([key, text]) => [key, text.trim()]).filter(([, text]) => text !== ''))}`,
    )
  }
  const isNumbered = splits.some(({ range }) => range)
  return (
    <form class="inputs" onSubmit={submit} key={JSON.stringify(given)}>
      <div>
        <label for="search">Text in value or key</label>
        <input id="search" name="search" type="search" defaultValue={given.search} />
      </div>
      <div>
        <label for="until">
          Up to <span class="quiet">UTC, optional</span>
        </label>
        <input id="until" name="until" defaultValue={given.until} placeholder="2026-03-01T10:00Z" />
      </div>
      {splits.length > 1 ? (
        <div>
          <label for="split">Partition</label>
          <select id="split" name="split">
            <option value="">all</option>
            {splits.map(({ split }) => (
              <option key={split} selected={split === given.split}>
                {split}
              </option>
            ))}
          </select>
        </div>
      ) : (
        splits.map(({ split }) => <input key={split} type="hidden" name="split" value={split} />)
      )}
      {isNumbered ? (
        <div>
          <label for="position">
            Position <span class="quiet">of a partition, optional</span>
          </label>
          <input id="position" name="position" inputMode="numeric" pattern="\d*" defaultValue={given.position} />
        </div>
      ) : null}
      <button type="submit">Find</button>
    </form>
  )
}
