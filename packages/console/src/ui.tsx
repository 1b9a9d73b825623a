/** Parts that several views use. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { api, type ApiError } from './api.ts'
import { go } from './route.ts'
import { count, span, time, zone } from './text.ts'
import type { Run, RunState } from './wire/index.ts'

/** A link inside the console. */
export function Link(props: { readonly to: string; readonly class?: string; readonly children: ComponentChildren }) {
  const follow = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
    event.preventDefault()
    go(props.to)
  }
  return (
    <a href={props.to} class={props.class ?? ''} onClick={follow}>
      {props.children}
    </a>
  )
}

/** What was asked for, asked again every `everyMs`. */
export interface Answer<T> {
  readonly value: T | undefined
  readonly error: ApiError | undefined
  again(): void
}

/** Asks for a path, now and then, unless the tab is hidden. An old answer stays until there is a new one. */
export function useAnswer<T>(path: string, everyMs = 0): Answer<T> {
  const [found, setFound] = useState<{ path: string; value?: T; error?: ApiError }>({ path })
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    const stop = new AbortController()
    const ask = async () => {
      try {
        const value = await api<T>(path, undefined, stop.signal)
        if (!stop.signal.aborted) setFound({ path, value })
      } catch (error) {
        if (!stop.signal.aborted)
          setFound((was) => ({ ...(was.path === path ? was : { path }), error: error as ApiError }))
      }
    }
    void ask()
    const timer = everyMs > 0 ? setInterval(() => void (document.hidden || ask()), everyMs) : undefined
    return () => {
      stop.abort()
      clearInterval(timer)
    }
  }, [path, everyMs, turn])
  const { value, error } = found.path === path ? found : { value: undefined, error: undefined }
  return { value, error, again: () => setTurn((n) => n + 1) }
}

/** Says that something could not be shown, and what to do. That nothing answers is said once, above all views. */
export function Problem({ error }: { readonly error: ApiError | undefined }) {
  if (!error || error.code === 'disconnected') return null
  return (
    <p class="problem" role="alert">
      <b>{error.message}</b> {error.hint} <code>{error.code}</code>
    </p>
  )
}

/** For what appears when it is asked for: it may be below the window. */
export const intoSight = (element: HTMLElement | null): void => element?.scrollIntoView({ block: 'nearest' })

/** In place of a view that waits. */
export const Waiting = () => <p class="quiet">…</p>

const signs: Readonly<Record<string, string>> = {
  succeeded: '✓',
  failed: '✕',
  running: '▶',
  retrying: '↻',
  waiting: '…',
  interrupted: '‖',
  skipped: '–',
  cancelled: '■',
  troubled: '!',
  idle: '·',
}

/** A state as a sign and a word: never by colour alone. */
export const State = ({ of }: { readonly of: RunState | 'troubled' | 'idle' }) => (
  <span class={`state ${of}`}>
    <i aria-hidden="true">{signs[of]}</i> {of}
  </span>
)

/** A run as a square that leads to it. */
export const RunMark = ({ run }: { readonly run: Run }) => (
  <Link to={`/runs/${run.id}`} class={`mark ${run.state}`}>
    <span aria-hidden="true">{signs[run.state]}</span>
    <span class="unseen">
      run {run.id} {run.state}
    </span>
  </Link>
)

/** A time, with its zone for those who look closer. */
export const Time = ({ ms }: { readonly ms: number | null }) =>
  ms === null ? null : (
    <time dateTime={new Date(ms).toISOString()} title={`${new Date(ms).toISOString()} (shown in ${zone})`}>
      {time(ms)}
    </time>
  )

/** What is wider than a narrow screen: it scrolls by itself, also with keys. */
export const Scroll = (props: { readonly name: string; readonly children: ComponentChildren }) => (
  <div class="scroll" tabIndex={0} role="region" aria-label={props.name}>
    {props.children}
  </div>
)

/** Pipelines, as links. */
export const Names = ({ of }: { readonly of: readonly string[] }) =>
  of.length === 0 ? (
    <span class="quiet">none here</span>
  ) : (
    <>
      {of.map((name, i) => (
        <span key={name}>
          {i > 0 ? ', ' : ''}
          <Link to={`/pipelines/${encodeURIComponent(name)}`}>{name}</Link>
        </span>
      ))}
    </>
  )

/** A table of runs. */
export const Runs = ({ runs }: { readonly runs: readonly Run[] }) => (
  <Scroll name="Runs">
    <table>
      <thead>
        <tr>
          <th class="number">Run</th>
          <th>Pipeline</th>
          <th>State</th>
          <th>Why</th>
          <th>Started</th>
          <th class="number">Took</th>
          <th class="number">Read</th>
          <th class="number">Written</th>
          <th class="number">Failed</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.id}>
            <td class="number">
              <Link to={`/runs/${run.id}`}>{run.id}</Link>
            </td>
            <td>
              <Link to={`/pipelines/${encodeURIComponent(run.pipeline)}`}>{run.pipeline}</Link>
            </td>
            <td>
              <State of={run.state} />
              {run.attempts > 1 ? <span class="quiet"> attempt {run.attempts}</span> : null}
            </td>
            <td>{run.cause}</td>
            <td>
              <Time ms={run.startedMs} />
            </td>
            <td class="number">
              {run.startedMs !== null && run.endedMs !== null ? span(run.endedMs - run.startedMs) : ''}
            </td>
            {(['read', 'written', 'failed'] as const).map((key) => (
              <td class="number" key={key}>
                {run.counts ? count(run.counts[key]) : ''}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </Scroll>
)
