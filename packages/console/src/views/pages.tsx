/** The project's own pages: all of them, and one with its inputs, which stay in the address. */
import { useEffect, useRef } from 'preact/hooks'
import type { LiveState } from '../live.ts'
import { ElementCard } from '../pages/element.tsx'
import type { PageAnswer, PageView, Pages as Shown } from '../pages/contract.ts'
import { go, usePlace } from '../route.ts'
import { Link, Problem, useAnswer, Waiting } from '../ui.tsx'

const addressOf = (name: string): string => `/pages/${encodeURIComponent(name)}`

export function Pages() {
  const { value, error } = useAnswer<Shown>('/api/pages', 10_000)
  return (
    <main>
      <h1>Pages</h1>
      <Problem error={error} />
      {value ? null : error ? null : <Waiting />}
      {value && value.pages.length + value.findings.length === 0 ? (
        <p class="quiet">
          This project has no pages. A file in <code>pages/</code> beside <code>pipelines/</code> makes one.
        </p>
      ) : null}
      {value?.findings.map((each) => (
        <p class="problem" key={`${each.file}:${each.line}:${each.col}`}>
          <code>
            {each.file}:{each.line}:{each.col}
          </code>{' '}
          {each.message} <code>{each.code}</code>
        </p>
      ))}
      <ul class="fleet">
        {value?.pages.map((page) => (
          <li class="card" key={page.name}>
            <h2>
              <Link to={addressOf(page.name)}>{page.title}</Link>
            </h2>
            <p class="quiet">{page.description ?? page.file}</p>
          </li>
        ))}
      </ul>
    </main>
  )
}

export function Page({ name, live }: { readonly name: string; readonly live: LiveState }) {
  const { query } = usePlace()
  const { value: all, error: none } = useAnswer<Shown>('/api/pages')
  const page = all?.pages.find((each) => each.name === name)
  if (!page)
    return (
      <main>
        {all ? <h1>There is no page {name}</h1> : null}
        <Problem error={none} />
        {all || none ? null : <Waiting />}
      </main>
    )
  return <Answered key={query.toString()} page={page} query={query} live={live} />
}

/** A live page asks again after a save of any pipeline, at most every 2 s. */
function Answered(props: { readonly page: PageView; readonly query: URLSearchParams; readonly live: LiveState }) {
  const { page, query, live } = props
  const everyMs = typeof page.refresh === 'number' ? page.refresh : 0
  const { value, error, again } = useAnswer<PageAnswer>(`/api${addressOf(page.name)}?${query}`, everyMs)
  const savedMs = Math.max(0, ...Object.values(live.snapshot).map(({ lastSaveMs }) => lastSaveMs ?? 0))
  const askedMs = useRef(Date.now())
  useEffect(() => {
    if (page.refresh !== 'live' || savedMs === 0) return
    const timer = setTimeout(
      () => {
        askedMs.current = Date.now()
        again()
      },
      Math.max(0, askedMs.current + 2000 - Date.now()),
    )
    return () => clearTimeout(timer)
  }, [savedMs, page.refresh])
  return (
    <main>
      <p class="crumbs">
        <Link to="/pages">Pages</Link>
      </p>
      <h1>{page.title}</h1>
      {page.description ? <p class="lead">{page.description}</p> : null}
      {page.inputs.length > 0 ? <Inputs page={page} query={query} answer={value} /> : null}
      <Problem error={error} />
      {value ? (
        page.elements.map((element, i) => (
          <ElementCard
            key={i}
            page={page}
            element={element}
            answer={value.elements[i]!}
            csv={`/api${addressOf(page.name)}/elements/${i}/csv?${query}`}
          />
        ))
      ) : error ? null : (
        <Waiting />
      )}
    </main>
  )
}

function Inputs(props: {
  readonly page: PageView
  readonly query: URLSearchParams
  readonly answer: PageAnswer | undefined
}) {
  const { page, query, answer } = props
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const given = [...new FormData(event.currentTarget as HTMLFormElement)] as [string, string][]
    const filled = given.map(([key, text]) => [key, text.trim()]).filter(([, text]) => text !== '')
    go(`${addressOf(page.name)}?${new URLSearchParams(filled as [string, string][])}`)
  }
  return (
    <form class="inputs" onSubmit={submit}>
      {page.inputs.map(({ name, label, type, optional, choices, default: usual }) => {
        const found = answer?.inputs.find((each) => each.name === name)
        const own = {
          id: `input-${name}`,
          name,
          'aria-invalid': found?.problem !== undefined,
          ...(found?.problem === undefined ? {} : { 'aria-describedby': `problem-${name}` }),
        }
        const text = query.get(name) ?? usual ?? ''
        return (
          <div key={name}>
            <label for={own.id}>
              {label} {optional ? <span class="quiet">optional</span> : null}
            </label>
            {choices ? (
              <select {...own}>
                {optional ? <option value="" /> : null}
                {choices.map((choice) => (
                  <option key={choice} selected={choice === text}>
                    {choice}
                  </option>
                ))}
              </select>
            ) : (
              <input
                {...own}
                defaultValue={text}
                placeholder={type === 'time_range' ? '24h or START/END, UTC' : type}
              />
            )}
            {found?.problem === undefined ? null : (
              <small id={`problem-${name}`} class="bad">
                {found.problem}
              </small>
            )}
          </div>
        )
      })}
      <button type="submit" class="main">
        Show
      </button>
    </form>
  )
}
