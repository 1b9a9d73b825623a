/** One pipeline: its graph, and what can be asked about it. */
import { api } from '../api.ts'
import { Confirmed } from '../confirm.tsx'
import type { LiveState } from '../live.ts'
import { go } from '../route.ts'
import { bytes, counted, span } from '../text.ts'
import type { LivePipeline, Pipeline as Shown, Run } from '../wire/index.ts'
import { Link, Problem, Runs, Time, useAnswer, Waiting } from '../ui.tsx'
import { Graph } from './graph.tsx'
import { Letters } from './letters.tsx'
import { State } from './state.tsx'
import { Windows } from './windows.tsx'

const tabs = { graph: 'Graph', runs: 'Runs', bad: 'Bad records', windows: 'Windows', state: 'State' } as const
type Tab = keyof typeof tabs

export function Pipeline(props: {
  readonly name: string
  readonly tab: string | undefined
  readonly live: LiveState
  readonly isReadOnly: boolean
  readonly isServed: boolean
}) {
  const { name, live, isReadOnly, isServed } = props
  const path = `/api/pipelines/${encodeURIComponent(name)}`
  const { value, error } = useAnswer<Shown>(path)
  const tab: Tab = props.tab !== undefined && props.tab in tabs ? (props.tab as Tab) : 'graph'
  const now = live.snapshot[name]
  return (
    <main>
      <p class="crumbs">
        <Link to="/">Pipelines</Link>
      </p>
      <div class="head">
        <h1>{name}</h1>
        {isReadOnly || !isServed || !value ? null : <Trigger path={path} />}
      </div>
      {value?.description ? <p class="lead">{value.description}</p> : null}
      <Problem error={error} />
      {value ? (
        <>
          <nav class="tabs" aria-label="About this pipeline">
            {Object.entries(tabs)
              .filter(([key]) => (key !== 'windows' || value.hasWindows) && (key !== 'bad' || value.hasDeadLetter))
              .map(([key, title]) => (
                <Link key={key} to={`/pipelines/${encodeURIComponent(name)}/${key}`} class={key === tab ? 'here' : ''}>
                  {title}
                </Link>
              ))}
          </nav>
          {tab === 'graph' ? (
            <>
              <Facts live={now} />
              <Graph graph={value.graph} live={now} rates={live.rates[name] ?? {}} />
              <h2>Promise</h2>
              <p>
                <b>{value.delivery.label}</b>. Weakest: {value.delivery.weakest}
              </p>
              <ul>
                {value.delivery.within?.map((bound) => (
                  <li key={bound}>within: {bound}</li>
                ))}
              </ul>
            </>
          ) : tab === 'runs' ? (
            <PipelineRuns name={name} />
          ) : tab === 'bad' ? (
            <Letters path={path} isReadOnly={isReadOnly} />
          ) : tab === 'windows' ? (
            <Windows path={path} />
          ) : (
            <State path={path} hasWindows={value.hasWindows} />
          )}
        </>
      ) : error ? null : (
        <Waiting />
      )}
    </main>
  )
}

function PipelineRuns({ name }: { readonly name: string }) {
  const { value, error } = useAnswer<{ readonly runs: readonly Run[] }>(
    `/api/runs?pipeline=${encodeURIComponent(name)}`,
    2000,
  )
  return (
    <>
      <Problem error={error} />
      {value?.runs.length === 0 ? <p class="quiet">It has not run yet.</p> : value ? <Runs runs={value.runs} /> : null}
    </>
  )
}

function Facts({ live }: { readonly live: LivePipeline | undefined }) {
  if (!live) return <p class="quiet">Not running: no numbers since this console was started.</p>
  const facts: [string, unknown][] = [
    ['state', live.isRunning ? 'running' : 'not running'],
    ['behind', live.behind === undefined ? undefined : counted(live.behind, 'record')],
    ['read', live.totalBytes ? `${bytes(live.bytes ?? 0)} of ${bytes(live.totalBytes)}` : undefined],
    ['last save', live.lastSaveMs === undefined ? undefined : <Time ms={live.lastSaveMs} />],
    ['memory', live.residentBytes === undefined ? undefined : bytes(live.residentBytes)],
    ['event loop', live.loopDelay === undefined ? undefined : `${(live.loopDelay * 1000).toFixed(1)} ms late`],
    ['as of', <Time ms={live.atMs} />],
  ]
  return (
    <>
      <dl class="facts">
        {facts
          .filter(([, value]) => value !== undefined)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value as string}</dd>
            </div>
          ))}
      </dl>
      {live.troubles.map(({ node, code, message, sinceMs }) => (
        <p class="problem" key={node}>
          <b>{node}</b> does not answer for {span(Date.now() - sinceMs)}: {message} <code>{code}</code>
        </p>
      ))}
    </>
  )
}

/** Asks for a run, once confirmed; it is shown at once. */
export const Trigger = ({ path, label = 'Run…' }: { readonly path: string; readonly label?: string }) => (
  <Confirmed
    label={label}
    yes="Run it now"
    act={async () => {
      const { run } = await api<{ run?: Run }>(`${path}/trigger`, {})
      if (run) go(`/runs/${run.id}`)
    }}
  />
)
