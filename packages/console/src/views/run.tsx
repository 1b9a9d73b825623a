/** A run: how it went, and its log. */
import { useState } from 'preact/hooks'
import { api } from '../api.ts'
import { Confirmed } from '../confirm.tsx'
import { count, span, time } from '../text.ts'
import type { LogPage, Run as Shown } from '../wire/index.ts'
import { Link, Problem, State, Time, useAnswer, Waiting } from '../ui.tsx'
import { Trigger } from './pipeline.tsx'

export function Run({ id, canAct }: { readonly id: string; readonly canAct: boolean }) {
  const { value: run, error, again } = useAnswer<Shown>(`/api/runs/${encodeURIComponent(id)}`, 2000)
  return (
    <main>
      <p class="crumbs">
        <Link to="/runs">Runs</Link>
        {run ? <Link to={`/pipelines/${encodeURIComponent(run.pipeline)}`}>{run.pipeline}</Link> : null}
      </p>
      <div class="head">
        <h1>Run {id}</h1>
        {run ? <State of={run.state} /> : null}
        {run && canAct ? <Act run={run} again={again} /> : null}
      </div>
      <Problem error={error} />
      {run ? (
        <>
          {run.message !== null || run.code !== null ? (
            <p class="problem">
              <b>{run.message}</b> <code>{run.code}</code>
            </p>
          ) : null}
          <dl class="facts">
            <Fact name="why">{run.cause}</Fact>
            <Fact name="due">
              <Time ms={run.dueMs} />
            </Fact>
            <Fact name="started">
              <Time ms={run.startedMs} />
            </Fact>
            <Fact name="took">
              {run.startedMs !== null && run.endedMs !== null ? span(run.endedMs - run.startedMs) : ''}
            </Fact>
            <Fact name="attempts">{run.attempts}</Fact>
            {run.counts ? (
              <>
                <Fact name="read">{count(run.counts.read)}</Fact>
                <Fact name="written">{count(run.counts.written)}</Fact>
                <Fact name="failed">{count(run.counts.failed)}</Fact>
              </>
            ) : null}
          </dl>
          <Log id={run.id} isOver={run.endedMs !== null} />
        </>
      ) : error ? null : (
        <Waiting />
      )}
    </main>
  )
}

/** Ends a run, or asks for another one of its pipeline. */
function Act({ run, again }: { readonly run: Shown; readonly again: () => void }) {
  if (isOver(run)) {
    const label = run.state === 'failed' ? 'Try again…' : 'Run again…'
    return <Trigger path={`/api/pipelines/${encodeURIComponent(run.pipeline)}`} label={label} />
  }
  return (
    <Confirmed
      label="End it…"
      question="What it has saved stays; the next run goes on from there."
      yes="End this run"
      act={async () => {
        await api(`/api/runs/${run.id}/cancel`, {})
        again()
      }}
    />
  )
}

const isOver = ({ state }: Shown): boolean => ['succeeded', 'failed', 'skipped', 'cancelled'].includes(state)

const Fact = (props: { readonly name: string; readonly children: preact.ComponentChildren }) =>
  props.children === '' ? null : (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  )

/** The log is plain text in the page, so that find and copy work. */
function Log({ id, isOver }: { readonly id: number; readonly isOver: boolean }) {
  const [search, setSearch] = useState('')
  const [before, setBefore] = useState<number>()
  const query = new URLSearchParams({ search, ...(before === undefined ? {} : { before: String(before) }) })
  const { value, error } = useAnswer<LogPage>(`/api/runs/${id}/log?${query}`, isOver ? 0 : 2000)
  const first = value?.lines[0]?.n
  return (
    <section>
      <div class="head">
        <h2>Log</h2>
        <label>
          <span class="unseen">Search the log</span>
          <input
            type="search"
            placeholder="Search"
            value={search}
            onInput={({ currentTarget }) => {
              setBefore(undefined)
              setSearch(currentTarget.value)
            }}
          />
        </label>
        {value ? (
          <span class="quiet">
            {search === ''
              ? `${count(value.total)} lines`
              : `${count(value.matching)} of ${count(value.total)} lines; the others are not shown`}
          </span>
        ) : null}
      </div>
      <Problem error={error} />
      {value && value.lines.length < value.matching && first !== undefined ? (
        <p>
          <button type="button" onClick={() => setBefore(first)}>
            Earlier lines
          </button>{' '}
          {before === undefined ? null : (
            <button type="button" onClick={() => setBefore(undefined)}>
              The last lines
            </button>
          )}
        </p>
      ) : null}
      {value?.lines.length === 0 ? <p class="quiet">{search === '' ? 'It is empty.' : 'No line has this.'}</p> : null}
      <div class="log">
        {value?.lines.map(({ n, text, cut }) => (
          <Line key={n} n={n} text={text} cut={cut} />
        ))}
      </div>
    </section>
  )
}

/** A line of JSON as people read it; anything else as it is. */
function Line({ n, text, cut }: { readonly n: number; readonly text: string; readonly cut: number | undefined }) {
  const read = parsed(text)
  return (
    <div class={`line ${read?.level ?? ''}`} title={text.slice(0, 2000)}>
      <span class="n">{n}</span>
      {read ? (
        <>
          <span class="at">{time(read.atMs)}</span>
          <span class="level">{read.level}</span>
          <span>
            <b>{read.name}</b> {read.rest}
          </span>
        </>
      ) : (
        <span>
          {text}
          {cut === undefined ? '' : `… (${count(cut)} characters)`}
        </span>
      )}
    </div>
  )
}

function parsed(text: string) {
  try {
    const line = JSON.parse(text) as Record<string, unknown>
    const { time: at, level, pipeline: _, event, code, message, ...more } = line
    const atMs = Date.parse(String(at))
    if (Number.isNaN(atMs)) return undefined
    const rest = Object.entries(more).map(
      ([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
    )
    const name = String(event ?? code ?? '')
    return { atMs, level: String(level), name, rest: [message === undefined ? '' : String(message), ...rest].join(' ') }
  } catch {
    return undefined
  }
}
