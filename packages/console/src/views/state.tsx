/** What is saved of a pipeline: how far each split was read, what steps remember, what is not published yet. */
import { bytes, count, counted } from '../text.ts'
import type { SavedState, State as Shown } from '../wire/index.ts'
import { Link, Problem, Scroll, Time, useAnswer, Waiting } from '../ui.tsx'

export function State({ path, hasWindows }: { readonly path: string; readonly hasWindows: boolean }) {
  const { value, error } = useAnswer<Shown>(`${path}/state`, 2000)
  if (!value) return error ? <Problem error={error} /> : <Waiting />
  if (value.instances.length === 0) return <p class="quiet">It has not run yet, so nothing is saved.</p>
  return (
    <>
      <Problem error={error} />
      {value.instances.map((each) => (
        <Copy key={each.instance.i} state={each} />
      ))}
      {hasWindows ? (
        <p>
          <Link to={`${path.replace('/api', '')}/windows`}>The windows that are open</Link>, and what they wait for.
        </p>
      ) : null}
      <p class="advice">{value.rescale}</p>
    </>
  )
}

function Copy({ state }: { readonly state: SavedState }) {
  const { instance, positions, otherPositions, steps, unfinished } = state
  const left = [
    state.stages > 0 ? `${counted(state.stages, 'result')} finished and not published yet` : '',
    state.commitActions > 0 ? `${counted(state.commitActions, 'input')} still to be moved, removed or answered` : '',
    ...unfinished.map((sink) => `${sink} has a half-written file`),
  ].filter(Boolean)
  return (
    <section>
      {instance.n > 1 ? (
        <h2>
          Copy {instance.i}/{instance.n}
        </h2>
      ) : null}
      <dl class="facts">
        <Fact name="run">{`${count(state.incarnation)}, ${state.ended ? 'ended' : 'not ended'}`}</Fact>
        <Fact name="epochs saved">{count(state.epoch)}</Fact>
        <Fact name="last write">{state.savedMs === null ? '–' : <Time ms={state.savedMs} />}</Fact>
        <Fact name="size">{bytes(state.bytes)}</Fact>
        <Fact name="held by">{state.heldBy ?? 'nobody: it is not running'}</Fact>
      </dl>
      {left.length > 0 ? (
        <ul>
          {left.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      ) : null}
      <h2>Positions</h2>
      <Scroll name="Positions">
        <table>
          <thead>
            <tr>
              <th>Source</th>
              <th>Split</th>
              <th>Position</th>
              <th>State</th>
            </tr>
          </thead>
          <tbody>
            {positions.map(({ source, split, position, ended }) => (
              <tr key={`${source} ${split}`}>
                <td>{source}</td>
                <td>{split}</td>
                <td>
                  <code>{position}</code>
                </td>
                <td>{ended ? 'read to its end' : 'goes on'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {otherPositions > 0 ? <p class="quiet">and {counted(otherPositions, 'more split')}</p> : null}
      {steps.length > 0 ? (
        <>
          <h2>Memory of steps</h2>
          <Scroll name="Memory of steps">
            <table>
              <thead>
                <tr>
                  <th>Step</th>
                  <th>Entries</th>
                </tr>
              </thead>
              <tbody>
                {steps.map(({ step, entries }) => (
                  <tr key={step}>
                    <td>{step}</td>
                    <td>{count(entries)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        </>
      ) : null}
    </section>
  )
}

const Fact = (props: { readonly name: string; readonly children: preact.ComponentChildren }) => (
  <div>
    <dt>{props.name}</dt>
    <dd>{props.children}</dd>
  </div>
)
