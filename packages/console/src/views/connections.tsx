/** What pipelines connect to. Whether it answers is found out when somebody asks, since that connects. */
import { useState } from 'preact/hooks'
import { api, type ApiError } from '../api.ts'
import type { ConnectionFinding, ConnectionLine } from '../wire/index.ts'
import { Link, Problem, Time, useAnswer, Waiting } from '../ui.tsx'

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
  const lines: readonly (ConnectionLine & Partial<ConnectionFinding>)[] = found?.connections ?? value?.connections ?? []
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
      {lines.map(({ connection, type, config, place, uses, state, found: what, error: why }, i) => (
        <article class={`card ${state === 'failed' ? 'failed' : ''}`} key={i}>
          <div class="head">
            <h2>{connection ?? type}</h2>
            <span class="quiet">
              {connection === undefined ? '' : `${type} · `}
              {place}
            </span>
            {state ? (
              <span class={`state ${classes[state]}`}>
                <i aria-hidden="true">{signs[state]}</i> {words[state]}
              </span>
            ) : null}
          </div>
          {config === '' ? null : (
            <p>
              <code>{config}</code>
            </p>
          )}
          {what ? <p>{what}</p> : null}
          {why ? (
            <p class="problem">
              <b>{why.message}</b> {why.hint} <code>{why.code}</code>
            </p>
          ) : null}
          <p class="quiet">
            Used by{' '}
            {uses.map(({ pipeline, id, kind }, n) => (
              <span key={`${pipeline} ${id} ${kind}`}>
                {n > 0 ? ', ' : ''}
                <Link to={`/pipelines/${encodeURIComponent(pipeline)}`}>{pipeline}</Link> as {kind} {id}
              </span>
            ))}
          </p>
        </article>
      ))}
    </main>
  )
}
