/** Records that failed: how many of each kind, what they were, and giving up on them. */
import { useState } from 'preact/hooks'
import { api, type ApiError } from '../api.ts'
import { count, counted } from '../text.ts'
import type { Letters as Shown } from '../wire.ts'
import { Problem, Scroll, useAnswer, Waiting } from '../ui.tsx'

export function Letters({ path, isReadOnly }: { readonly path: string; readonly isReadOnly: boolean }) {
  const { value, error, again } = useAnswer<Shown>(`${path}/letters`)
  const [failed, setFailed] = useState<ApiError>()
  const dismiss = async (ids: readonly string[]) => {
    if (!confirm(`Dismiss ${counted(ids.length, 'record')}? Their bytes are kept.`)) return
    try {
      await api(`${path}/dismiss`, { ids })
    } catch (cause) {
      setFailed(cause as ApiError)
    }
    again()
  }
  if (!value) return error ? <Problem error={error} /> : <Waiting />
  if (value.total === 0) return <p class="quiet">No bad record is open.</p>
  return (
    <>
      <Problem error={failed ?? error} />
      <p class="lead">
        {counted(value.total, 'record')} failed and {value.total === 1 ? 'is' : 'are'} open.
      </p>
      <Scroll name="Kinds of bad records">
        <table>
          <thead>
            <tr>
              <th class="number">Records</th>
              <th>At</th>
              <th>Code</th>
              <th>Field</th>
            </tr>
          </thead>
          <tbody>
            {value.kinds.map(({ step, code, field, records }) => (
              <tr key={`${step} ${code} ${field}`}>
                <td class="number">{count(records)}</td>
                <td>{step}</td>
                <td>
                  <code>{code}</code>
                </td>
                <td>{field}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <h2>
        {value.letters.length < value.total
          ? `The first ${count(value.letters.length)} of ${count(value.total)}`
          : 'All of them'}
      </h2>
      {value.letters.map((letter) => (
        <article class="card" key={`${letter.step} ${letter.id}`}>
          <div class="head">
            <b>
              {letter.code}
              {letter.field === null ? '' : ` (${letter.field})`}
            </b>
            <span class="quiet">
              at {letter.step}, {letter.source} {letter.split}@{letter.position}
            </span>
            {isReadOnly ? null : (
              <button type="button" onClick={() => void dismiss([letter.id])}>
                Dismiss
              </button>
            )}
          </div>
          <p>{letter.message}</p>
          <pre>{letter.text}</pre>
        </article>
      ))}
      <p class="quiet">
        Mend the spec or the data, then run <code>pipe dead-letter replay</code>.
      </p>
    </>
  )
}
