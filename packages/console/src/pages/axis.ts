/** Scales of charts. */
import { useEffect, useRef, useState } from 'preact/hooks'

/** Round values from 0, or from below, to at least `most`: about `wanted` of them. */
export function ticks(least: number, most: number, wanted = 4): readonly number[] {
  const range = Math.max(most, 0) - Math.min(least, 0)
  if (!(range > 0) || !Number.isFinite(range)) return [0, 1]
  const rough = range / wanted
  const unit = 10 ** Math.floor(Math.log10(rough))
  const step = unit * (rough / unit > 5 ? 10 : rough / unit > 2 ? 5 : rough / unit > 1 ? 2 : 1)
  const first = Math.floor(Math.min(least, 0) / step)
  const last = Math.ceil(Math.max(most, 0) / step)
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step)
}

/** At most `wanted` of so many places, evenly spread. */
export function spread(places: number, wanted: number): readonly number[] {
  const step = Math.max(1, Math.ceil(places / Math.max(1, wanted)))
  return Array.from({ length: Math.ceil(places / step) }, (_, i) => i * step)
}

/** The width of an element as it is laid out. */
export function useWidth() {
  const ref = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const seen = new ResizeObserver(([entry]) => setWidth(Math.round(entry!.contentRect.width)))
    seen.observe(ref.current!)
    return () => seen.disconnect()
  }, [])
  return { ref, width }
}
