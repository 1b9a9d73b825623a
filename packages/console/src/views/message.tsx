/** One message: its text, its bytes, its JSON laid out, and its headers. */
import { useState } from 'preact/hooks'
import { bytesOf, hexOf, laidOut } from '../raw.ts'
import { bytes, count } from '../text.ts'
import { intoSight, Problem, Scroll, Time, useAnswer } from '../ui.tsx'
import type { Message } from '../wire/index.ts'

const forms = { raw: 'Raw', json: 'JSON', hex: 'Hex' } as const
type Form = keyof typeof forms

/** More is shown when it is asked for. */
const mostChars = 50_000
const mostHexBytes = 16_384

export function MessageCard({ path, message: listed }: { readonly path: string; readonly message: Message }) {
  const { split, position, atMs } = listed
  const query = new URLSearchParams({ split, position, ...(atMs === null ? {} : { at: String(atMs) }) })
  const { value, error } = useAnswer<Message>(`${path}/message?${query}`)
  const message = value ?? listed
  const [form, setForm] = useState<Form>('raw')
  const [isWhole, setWhole] = useState(false)
  const text = textOf(message, form)
  const shown = text === undefined || isWhole ? text : text.slice(0, mostChars)
  return (
    <section class="card" aria-label={`Message ${position} of partition ${split}`} ref={intoSight}>
      <div class="head">
        <h2>
          Partition {split}, {position}
        </h2>
        <span class="quiet">
          <Time ms={atMs} /> · {message.isTombstone ? 'no value (tombstone)' : bytes(message.bytes)}
          {message.key === null ? '' : ` · key ${message.key}`}
        </span>
      </div>
      <Problem error={error} />
      <div class="buttons" role="group" aria-label="Shown as">
        {Object.entries(forms).map(([key, title]) => (
          <button
            type="button"
            class="small"
            key={key}
            aria-pressed={key === form}
            onClick={() => setForm(key as Form)}
          >
            {title}
          </button>
        ))}
        <button
          type="button"
          class="small"
          disabled={value === undefined || text === undefined}
          onClick={() => void navigator.clipboard.writeText(text ?? '')}
        >
          Copy
        </button>
      </div>
      {text === undefined ? (
        <p class="quiet">
          {form === 'json'
            ? message.isCut
              ? 'It is too large to be read as JSON here.'
              : 'It is not JSON.'
            : 'It is not UTF-8 text: look at its bytes.'}
        </p>
      ) : (
        <>
          <pre class="message" tabIndex={0}>
            {shown}
          </pre>
          {shown!.length < text.length ? (
            <p>
              The first {count(shown!.length)} of {count(text.length)} characters.{' '}
              <button type="button" class="small" onClick={() => setWhole(true)}>
                Show all
              </button>
            </p>
          ) : null}
          {value && message.isCut ? (
            <p class="quiet">Only its beginning was sent; all of it is {count(message.bytes)} bytes.</p>
          ) : null}
        </>
      )}
      {message.headers.length === 0 ? null : (
        <Scroll name="Headers">
          <table>
            <thead>
              <tr>
                <th>Header</th>
                <th>Value</th>
              </tr>
            </thead>
            <tbody>
              {message.headers.map(([name, header], i) => (
                <tr key={i}>
                  <td>{name}</td>
                  <td>{header ?? <span class="quiet">null</span>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  )
}

function textOf(message: Message, form: Form): string | undefined {
  if (form === 'hex') return hexOf(bytesOf(message).subarray(0, mostHexBytes))
  if (message.text === undefined) return undefined
  return form === 'raw' ? message.text : laidOut(message.text)
}
