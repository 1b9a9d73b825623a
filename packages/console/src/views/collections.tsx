/** What is in the stores: the collections and tables that pipelines write. */
import type { CollectionLine } from '../wire/index.ts'
import { Link, Names, Problem, Scroll, useAnswer, Waiting } from '../ui.tsx'

/** What the interface answers. */
export interface Found {
  readonly collections: readonly CollectionLine[]
}

export function Collections() {
  const { value, error } = useAnswer<Found>('/api/collections', 10_000)
  return (
    <main>
      <h1>Data</h1>
      <Problem error={error} />
      {value ? null : error ? null : <Waiting />}
      {value?.collections.length === 0 ? (
        <p class="quiet">No pipeline of this project writes a collection or a table.</p>
      ) : null}
      {value && value.collections.length > 0 ? (
        <Scroll name="Collections and tables">
          <table>
            <thead>
              <tr>
                <th>Collection</th>
                <th>Connection</th>
                <th>Type</th>
                <th>Written by</th>
                <th>Columns</th>
              </tr>
            </thead>
            <tbody>
              {value.collections.map(({ place, collection, type, writtenBy, columns, canQuery }) => (
                <tr key={`${place} ${collection}`}>
                  <td>
                    {canQuery ? (
                      <Link to={`/data/${encodeURIComponent(place)}/${encodeURIComponent(collection)}`}>
                        {collection}
                      </Link>
                    ) : (
                      <>
                        {collection} <span class="quiet">cannot be queried</span>
                      </>
                    )}
                  </td>
                  <td>{place}</td>
                  <td>{type}</td>
                  <td>
                    <Names of={writtenBy} />
                  </td>
                  <td class="quiet">{columns.map(({ name }) => name).join(', ')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      ) : null}
    </main>
  )
}
