/** Records that failed: how many of each kind, what they were, trying and replaying them, giving up on them. */
import { useState } from 'preact/hooks'
import { api, type ApiError } from '../api.ts'
import { Confirmed } from '../confirm.tsx'
import { count, counted } from '../text.ts'
import type { Letter, LetterOutcome, Letters as Shown, Replayed, Trial } from '../wire/index.ts'
import { Problem, Scroll, useAnswer, Waiting } from '../ui.tsx'

export function Letters({ path, isReadOnly }: { readonly path: string; readonly isReadOnly: boolean }) {
  const { value, error, again } = useAnswer<Shown>(`${path}/letters`)
  const [replayed, setReplayed] = useState<Replayed>()
  const act = (chosen: Chosen, n: number) =>
    isReadOnly ? null : (
      <Actions
        path={path}
        chosen={chosen}
        n={n}
        done={(outcome) => {
          if (outcome) setReplayed(outcome)
          again()
        }}
      />
    )
  if (!value) return error ? <Problem error={error} /> : <Waiting />
  return (
    <>
      <Problem error={error} />
      {replayed ? <Outcome replayed={replayed} /> : null}
      {value.total === 0 ? (
        <p class="quiet">No bad record is open.</p>
      ) : (
        <>
          <p class="lead">
            {counted(value.total, 'record')} failed and {value.total === 1 ? 'is' : 'are'} open.
          </p>
          {value.kinds.map(({ step, code, field, records }) => (
            <article class="card kind" key={`${step} ${code} ${field}`}>
              <div class="head">
                <h2>
                  {counted(records, 'record')}: <code>{code}</code>
                  {field === null ? '' : ` (${field})`}
                </h2>
                <span class="quiet">at {step}</span>
              </div>
              {act({ step, code, field: field ?? '' }, records)}
            </article>
          ))}
          <h2>
            {value.letters.length < value.total
              ? `The first ${count(value.letters.length)} of ${count(value.total)}`
              : 'All of them'}
          </h2>
          {value.letters.map((letter) => (
            <Card key={`${letter.step} ${letter.id}`} letter={letter}>
              {value.total === 1 ? null : act({ id: letter.id, step: letter.step }, 1)}
            </Card>
          ))}
        </>
      )}
    </>
  )
}

const Card = ({ letter, children }: { readonly letter: Letter; readonly children: preact.ComponentChildren }) => (
  <article class="card letter">
    <div class="head">
      <b>
        {letter.code}
        {letter.field === null ? '' : ` (${letter.field})`}
      </b>
      <span class="quiet">
        at {letter.step}, {letter.source} {letter.split}@{letter.position}
      </span>
    </div>
    <p>{letter.message}</p>
    <pre>{letter.text}</pre>
    {children}
  </article>
)

/** One record, or all of a kind. */
type Chosen = Readonly<Record<string, string>>

/** A trial writes nothing, and says what a replay would do. */
function Actions(props: {
  readonly path: string
  readonly chosen: Chosen
  readonly n: number
  readonly done: (outcome?: Replayed) => void
}) {
  const { path, chosen, n, done } = props
  const [trial, setTrial] = useState<Trial | 'asked'>()
  const [failed, setFailed] = useState<ApiError>()
  const tried = trial === 'asked' ? undefined : trial
  const tryNow = async () => {
    setTrial('asked')
    setFailed(undefined)
    try {
      setTrial(await api<Trial>(`${path}/trial?${new URLSearchParams(chosen)}`))
    } catch (cause) {
      setTrial(undefined)
      setFailed(cause as ApiError)
    }
  }
  return (
    <>
      <p class="buttons wrap">
        <button type="button" onClick={() => void tryNow()} disabled={trial === 'asked'}>
          {trial === 'asked' ? 'Trying…' : 'Try'}
        </button>
        <Confirmed
          label="Replay…"
          question={tried ? passing(tried) : 'Not tried yet. What fails again stays open.'}
          yes={n === 1 ? 'Replay it' : `Replay ${count(n)}`}
          act={async () => done(await api<Replayed>(`${path}/replay`, chosen))}
        />
        <Confirmed
          label="Dismiss…"
          question={`Dismiss ${counted(n, 'record')}? Their bytes are kept.`}
          yes={n === 1 ? 'Dismiss it' : `Dismiss ${count(n)}`}
          act={async () => {
            await api(`${path}/dismiss`, chosen)
            done()
          }}
        />
      </p>
      <Problem error={failed} />
      {tried ? (
        <div role="status">
          <p>
            <b>{passing(tried)}</b> Nothing was written; what only a sink can refuse was not tried.
          </p>
          <Outcomes of={tried.letters.filter(({ passes }) => !passes)} passed="passes" />
        </div>
      ) : null}
    </>
  )
}

const passing = ({ passing: n, tried }: Trial): string =>
  tried === 1 ? (n === 1 ? 'It passes now.' : 'It still fails.') : `${count(n)} of ${count(tried)} pass now.`

/** What became of each. */
const Outcome = ({ replayed }: { readonly replayed: Replayed }) => (
  <section class={`card ${replayed.failed + replayed.imbalances.length > 0 ? 'troubled' : ''}`} role="status">
    <h2>
      {counted(replayed.replayed, 'record')} replayed, {count(replayed.failed)} failed again
      {replayed.skipped > 0 ? `, ${count(replayed.skipped)} had been replayed or dismissed before` : ''}
    </h2>
    {replayed.byRunning ? <p class="quiet">The running pipeline did it.</p> : null}
    {replayed.imbalances.map((each) => (
      <p class="problem" key={each}>
        Does not balance: {each}
      </p>
    ))}
    <Outcomes of={replayed.letters} passed="replayed" />
  </section>
)

const Outcomes = ({ of, passed }: { readonly of: readonly LetterOutcome[]; readonly passed: string }) =>
  of.length === 0 ? null : (
    <Scroll name="Outcomes">
      <table>
        <thead>
          <tr>
            <th>Record</th>
            <th>Outcome</th>
            <th>Why</th>
          </tr>
        </thead>
        <tbody>
          {of.map(({ id, step, passes, at, code, message }) => (
            <tr key={`${step} ${id}`}>
              <td>{id}</td>
              <td>
                <span class={`state ${passes ? 'succeeded' : 'failed'}`}>
                  <i aria-hidden="true">{passes ? '✓' : '✕'}</i> {passes ? passed : `fails at ${at ?? step}`}
                </span>
              </td>
              <td>
                {message} {code ? <code>{code}</code> : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
