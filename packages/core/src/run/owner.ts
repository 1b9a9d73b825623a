/** Which of n instances reads a split: the same at every start, independent of the other splits. */

/** Splits named by a number are assigned round-robin, others by a hash of the name. */
export function ownerOf(split: string, n: number): number {
  if (n === 1) return 0
  if (/^\d{1,15}$/.test(split)) return Number(split) % n
  let hash = 0x811c9dc5
  for (let i = 0; i < split.length; i++) hash = Math.imul(hash ^ split.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % n
}
