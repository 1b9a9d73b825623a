/** Which view the address names. Links change it without a new page. */
import { useEffect, useState } from 'preact/hooks'

const changed = new EventTarget()

/** Goes to an address of the console. */
export function go(path: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') history.pushState(undefined, '', path)
  else history.replaceState(undefined, '', path)
  changed.dispatchEvent(new Event('change'))
}

/** The parts of the path, and the query. */
export interface Place {
  readonly parts: readonly string[]
  readonly query: URLSearchParams
}

const placeNow = (): Place => ({
  parts: location.pathname.split('/').filter(Boolean).map(decodeURIComponent),
  query: new URLSearchParams(location.search),
})

/** The place, for a view. */
export function usePlace(): Place {
  const [place, setPlace] = useState(placeNow)
  useEffect(() => {
    const show = () => setPlace(placeNow())
    changed.addEventListener('change', show)
    addEventListener('popstate', show)
    return () => {
      changed.removeEventListener('change', show)
      removeEventListener('popstate', show)
    }
  }, [])
  return place
}
