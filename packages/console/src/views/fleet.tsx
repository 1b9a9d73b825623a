/** All pipelines, those with problems first. */
import type { LiveState } from '../live.ts'
import { counted, rate } from '../text.ts'
import type { FleetLine } from '../wire/index.ts'
import { Link, Problem, RunMark, State, useAnswer, Waiting } from '../ui.tsx'

export function Fleet({ live }: { readonly live: LiveState }) {
  const { value, error } = useAnswer<{ readonly pipelines: readonly FleetLine[] }>('/api/pipelines', 2000)
  const wrong = value?.pipelines.filter(({ mood }) => mood === 'failed' || mood === 'troubled').length ?? 0
  return (
    <main>
      <h1>Pipelines</h1>
      <Problem error={error} />
      {value ? (
        <p class="lead">
          {value.pipelines.length === 0
            ? 'None is served.'
            : wrong === 0
              ? 'All is well.'
              : `${wrong} of ${value.pipelines.length} ${wrong === 1 ? 'needs' : 'need'} a look.`}
        </p>
      ) : error ? null : (
        <Waiting />
      )}
      <ul class="fleet">
        {value?.pipelines.map((line) => (
          <Line key={line.name} line={line} live={live} />
        ))}
      </ul>
    </main>
  )
}

function Line({ line, live }: { readonly line: FleetLine; readonly live: LiveState }) {
  const now = live.snapshot[line.name]
  const rates = live.rates[line.name] ?? {}
  const fastest = Math.max(0, ...Object.values(rates))
  return (
    <li class={`card ${line.mood}`}>
      <div class="head">
        <h2>
          {line.runs.length > 0 || line.refused === undefined ? (
            <Link to={`/pipelines/${encodeURIComponent(line.name)}`}>{line.name}</Link>
          ) : (
            line.name
          )}
        </h2>
        <State of={line.mood} />
        <span class="marks">
          {line.runs.toReversed().map((run) => (
            <RunMark key={run.id} run={run} />
          ))}
        </span>
      </div>
      <p class="sentence">{line.sentence}</p>
      {line.refused === undefined ? null : (
        <p class="problem">
          An edit is not in effect: <code>{line.refused}</code>
        </p>
      )}
      <p class="quiet">
        {[line.when, line.delivery, line.description].filter(Boolean).join(' · ')}
        {now?.behind ? ` · ${counted(now.behind, 'record')} behind` : ''}
        {fastest > 0 ? ` · ${rate(fastest)}` : ''}
      </p>
    </li>
  )
}
