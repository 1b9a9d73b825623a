/** What pipelines connect to. Whether it answers is found out when somebody asks, since that connects. */
import { useState } from 'preact/hooks'
import { api, type ApiError } from '../api.ts'
import type { ConnectionFinding, ConnectionLine } from '../wire/index.ts'
import { Link, Problem, Scroll, Time, useAnswer, Waiting } from '../ui.tsx'

const words = { ok: 'works', failed: 'fails', untried: 'not tried' } as const
const signs = { ok: '✓', failed: '✕', untried: '–' } as const
const classes = { ok: 'succeeded', failed: 'failed', untried: 'quiet' } as const

export function Connections() {
  const { value, error } = useAnswer<{ readonly connections: readonly ConnectionLine[] }>('/api/connections')
  const [found, setFound] = useState<{ readonly connections: readonly ConnectionFinding[]; readonly atMs: number }>()
  const [isAsking, setAsking] = useState(false)
  const [failed, setFailed] = useState<ApiError>()
  const look = async () => {
    setAsking(true)
    setFailed(undefined)
    try {
      const { connections } = await api<{ connections: readonly ConnectionFinding[] }>('/api/connections/doctor')
      setFound({ connections, atMs: Date.now() })
    } catch (cause) {
      setFailed(cause as ApiError)
    }
    setAsking(false)
  }
  const lines: readonly Line[] = found?.connections ?? value?.connections ?? []
  const bad = found?.connections.filter(({ state }) => state === 'failed').length ?? 0
  return (
    <main>
      <div class="head">
        <h1>Connections</h1>
        <span class="buttons">
          <button type="button" class="main" disabled={isAsking || !value} onClick={() => void look()}>
            {isAsking ? 'Connecting…' : 'Connect to all'}
          </button>
        </span>
      </div>
      <Problem error={error ?? failed} />
      {value ? null : error ? null : <Waiting />}
      <p class="lead" role="status">
        {found ? (
          <>
            {bad === 0 ? 'Every connection works' : `${bad} of ${found.connections.length} connections fail`}, as of{' '}
            <Time ms={found.atMs} />.
          </>
        ) : value ? (
          'Whether they answer is not known until you connect. Nothing is written.'
        ) : null}
      </p>
      {[...Map.groupBy(lines, ({ connection, place, type }) => connection ?? `${place} ${type}`)].map(([key, own]) => (
        <Card key={key} lines={own} />
      ))}
    </main>
  )
}

type Line = ConnectionLine & Partial<ConnectionFinding>

/** A connection, and all that pipelines do with it. */
function Card({ lines }: { readonly lines: readonly Line[] }) {
  const { connection, type, place } = lines[0]!
  const states = lines.flatMap(({ state }) => state ?? [])
  const state = states.includes('failed') ? 'failed' : states.includes('ok') ? 'ok' : states[0]
  return (
    <article class={`card ${state === 'failed' ? 'failed' : ''}`}>
      <div class="head">
        <h2>{connection ?? type}</h2>
        <span class="quiet">
          {connection === undefined ? '' : `${type} · `}
          {place}
        </span>
        {state ? <Verdict of={state} /> : null}
      </div>
      <Scroll name={`Uses of ${connection ?? `${type} in ${place}`}`}>
        <table>
          <thead>
            <tr>
              <th>Used by</th>
              <th>Options</th>
              {states.length > 0 ? <th>Found</th> : null}
            </tr>
          </thead>
          <tbody>
            {lines.map(({ config, uses, state: own, found, error: why }, i) => (
              <tr key={i}>
                <td>
                  {uses.map(({ pipeline, id, kind }) => (
                    <div key={`${pipeline} ${id} ${kind}`}>
                      <Link to={`/pipelines/${encodeURIComponent(pipeline)}`}>{pipeline}</Link>{' '}
                      {id === kind ? kind : `${kind} ${id}`}
                    </div>
                  ))}
                </td>
                <td>
                  <code>{config}</code>
                </td>
                {states.length > 0 ? (
                  <td>
                    {own && lines.length > 1 ? <Verdict of={own} /> : null} {found}
                    {why ? (
                      <>
                        <b>{why.message}</b> {why.hint} <code>{why.code}</code>
                      </>
                    ) : null}
                  </td>
                ) : null}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </article>
  )
}

const Verdict = ({ of }: { readonly of: ConnectionFinding['state'] }) => (
  <span class={`state ${classes[of]}`}>
    <i aria-hidden="true">{signs[of]}</i> {words[of]}
  </span>
)
