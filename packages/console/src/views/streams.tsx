/** The streams that pipelines read and write. */
import type { StreamLine } from '../wire/index.ts'
import { Link, Names, Problem, Scroll, useAnswer, Waiting } from '../ui.tsx'

/** The address of a stream's messages. */
export const addressOf = ({ place, stream }: Pick<StreamLine, 'place' | 'stream'>): string =>
  `/streams/${encodeURIComponent(place)}/${encodeURIComponent(stream)}`

export function Streams() {
  const { value, error } = useAnswer<{ readonly streams: readonly StreamLine[] }>('/api/streams', 10_000)
  return (
    <main>
      <h1>Streams</h1>
      <Problem error={error} />
      {value ? null : error ? null : <Waiting />}
      {value?.streams.length === 0 ? <p class="quiet">No pipeline of this project reads or writes a stream.</p> : null}
      {value && value.streams.length > 0 ? (
        <Scroll name="Streams">
          <table>
            <thead>
              <tr>
                <th>Stream</th>
                <th>Connection</th>
                <th>Type</th>
                <th>Written by</th>
                <th>Read by</th>
              </tr>
            </thead>
            <tbody>
              {value.streams.map((line) => (
                <tr key={`${line.place} ${line.stream}`}>
                  <td>
                    <Link to={addressOf(line)}>{line.stream}</Link>
                  </td>
                  <td>{line.place}</td>
                  <td>{line.type}</td>
                  <td>
                    <Names of={line.writtenBy} />
                  </td>
                  <td>
                    <Names of={line.readBy} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      ) : null}
    </main>
  )
}
