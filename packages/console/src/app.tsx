/** The console: a bar, and the view that the address names. */
import { render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { type ApiError, signIn } from './api.ts'
import { startLive, useLive } from './live.ts'
import { usePlace } from './route.ts'
import { span, zone } from './text.ts'
import type { Project, Run as ShownRun } from './wire/index.ts'
import { Link, Problem, Runs, useAnswer, Waiting } from './ui.tsx'
import { Fleet } from './views/fleet.tsx'
import { Page, Pages } from './views/pages.tsx'
import { Pipeline } from './views/pipeline.tsx'
import { Run } from './views/run.tsx'
import { Collections } from './views/collections.tsx'
import { Connections } from './views/connections.tsx'
import { Data } from './views/data.tsx'
import { Messages } from './views/messages.tsx'
import { Streams } from './views/streams.tsx'

function App() {
  const { value: project, error } = useAnswer<Project>('/api/project', 10_000)
  const live = useLive()
  const { parts } = usePlace()
  const [view = '', name, tab] = parts
  useEffect(() => {
    document.title = [name, view || 'Pipelines', project?.name, 'Millrace'].filter(Boolean).join(' · ')
  }, [view, name, project?.name])
  const may = { isReadOnly: project?.isReadOnly ?? true, isServed: project?.isServed ?? false }
  if (error?.code === 'no_session')
    return (
      <main>
        <h1>Not signed in</h1>
        <Problem error={error} />
      </main>
    )
  return (
    <>
      <header>
        <Link to="/" class="logo">
          Millrace
        </Link>
        <nav aria-label="Views">
          <Link to="/" class={view === '' || view === 'pipelines' ? 'here' : ''}>
            Pipelines
          </Link>
          <Link to="/runs" class={view === 'runs' ? 'here' : ''}>
            Runs
          </Link>
          <Link to="/streams" class={view === 'streams' ? 'here' : ''}>
            Streams
          </Link>
          <Link to="/data" class={view === 'data' ? 'here' : ''}>
            Data
          </Link>
          <Link to="/connections" class={view === 'connections' ? 'here' : ''}>
            Connections
          </Link>
          <Link to="/pages" class={view === 'pages' ? 'here' : ''}>
            Pages
          </Link>
        </nav>
        <span class="about">
          {project ? `${project.name} · profile ${project.profile}` : ''}
          {project?.isReadOnly ? ' · read-only' : ''} · times in {zone}
        </span>
      </header>
      {error || (live.cameMs > 0 && !live.isConnected) ? <Disconnected cameMs={live.cameMs} /> : null}
      {view === '' ? (
        <Fleet live={live} />
      ) : view === 'pipelines' && name !== undefined ? (
        <Pipeline key={name} name={name} tab={tab} live={live} {...may} />
      ) : view === 'runs' && name !== undefined ? (
        <Run key={name} id={name} canAct={!may.isReadOnly && may.isServed} />
      ) : view === 'runs' ? (
        <AllRuns />
      ) : view === 'streams' && name !== undefined && tab !== undefined ? (
        <Messages key={`${name} ${tab}`} place={name} stream={tab} />
      ) : view === 'streams' ? (
        <Streams />
      ) : view === 'data' && name !== undefined && tab !== undefined ? (
        <Data key={`${name} ${tab}`} place={name} collection={tab} />
      ) : view === 'data' ? (
        <Collections />
      ) : view === 'connections' ? (
        <Connections />
      ) : view === 'pages' && name !== undefined ? (
        <Page key={name} name={name} live={live} />
      ) : view === 'pages' ? (
        <Pages />
      ) : (
        <main>
          <h1>There is no such view</h1>
          <p>
            <Link to="/">All pipelines</Link>
          </p>
        </main>
      )}
    </>
  )
}

/** Numbers are as they were: that is said, with their age. */
function Disconnected({ cameMs }: { readonly cameMs: number }) {
  const [, tick] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 1000)
    return () => clearInterval(timer)
  }, [])
  return (
    <p class="banner" role="alert">
      The console does not answer.{' '}
      {cameMs > 0 ? `What you see is ${span(Date.now() - cameMs)} old and may have changed.` : ''} It is asked again.
    </p>
  )
}

function AllRuns() {
  const { value, error } = useAnswer<{ readonly runs: readonly ShownRun[] }>('/api/runs', 2000)
  return (
    <main>
      <h1>Runs</h1>
      <Problem error={error} />
      {value ? (
        value.runs.length === 0 ? (
          <p class="quiet">Nothing has run yet.</p>
        ) : (
          <Runs runs={value.runs} />
        )
      ) : error ? null : (
        <Waiting />
      )}
    </main>
  )
}

async function start(): Promise<void> {
  const app = document.getElementById('app')!
  try {
    await signIn()
  } catch (error) {
    render(
      <main>
        <h1>Not signed in</h1>
        <p class="problem" role="alert">
          {(error as ApiError).message}
        </p>
      </main>,
      app,
    )
    return
  }
  startLive()
  render(<App />, app)
}

void start()
