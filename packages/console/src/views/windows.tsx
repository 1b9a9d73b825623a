/** Why windows are still open: what holds each watermark, since when, and what would let it go on. */
import { counted } from '../text.ts'
import type { Windows as Shown } from '../wire/index.ts'
import { Problem, Scroll, Time, useAnswer, Waiting } from '../ui.tsx'

export function Windows({ path }: { readonly path: string }) {
  const { value, error } = useAnswer<Shown>(`${path}/windows`, 2000)
  if (!value) return error ? <Problem error={error} /> : <Waiting />
  if (value.instances.length === 0) return <p class="quiet">It has not run yet, so there is no watermark.</p>
  return (
    <>
      <Problem error={error} />
      {value.instances.map((each) => (
        <section key={each.instance.i}>
          {each.instance.n > 1 ? (
            <h2>
              Copy {each.instance.i}/{each.instance.n}
            </h2>
          ) : null}
          {each.atMs === null ? <p class="quiet">Not running: this is its last save.</p> : null}
          {each.steps.map((step) => (
            <article class="card" key={step.step}>
              <h2>{step.step}</h2>
              <p>
                Watermark {step.watermarkMs === null ? 'none yet' : <Time ms={step.watermarkMs} />}, {step.why}.
              </p>
              {step.advice === undefined ? null : <p class="advice">{step.advice}</p>}
              {step.waiting === undefined ? null : step.waiting.windows === 0 ? (
                <p class="quiet">No window waits.</p>
              ) : (
                <>
                  <p>
                    <b>
                      {counted(step.waiting.windows, 'window')} with {counted(step.waiting.records, 'record')}{' '}
                      {step.waiting.windows === 1 ? 'waits' : 'wait'}.
                    </b>
                  </p>
                  <ul>
                    {step.waiting.next.map(({ start, end, firesAt, records }) => (
                      <li key={start}>
                        <Time ms={start} /> to <Time ms={end} />: {counted(records, 'record')}, fires at watermark{' '}
                        <Time ms={firesAt} />
                      </li>
                    ))}
                  </ul>
                </>
              )}
            </article>
          ))}
          <Scroll name="Lanes">
            <table>
              <thead>
                <tr>
                  <th>Source</th>
                  <th>Lane</th>
                  <th>Highest event time</th>
                  <th>Watermark</th>
                  <th>State</th>
                </tr>
              </thead>
              <tbody>
                {each.lanes.map((lane) => (
                  <tr key={`${lane.source} ${lane.lane}`}>
                    <td>{lane.source}</td>
                    <td>{lane.lane}</td>
                    <td>
                      <Time ms={lane.highMs} />
                    </td>
                    <td>
                      <Time ms={lane.watermarkMs} />
                    </td>
                    <td>{lane.state}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
          {each.otherLanes > 0 ? <p class="quiet">and {counted(each.otherLanes, 'more lane')} further on</p> : null}
        </section>
      ))}
    </>
  )
}
