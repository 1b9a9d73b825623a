/**
 * The word of `words` that was probably meant, for "did you mean": equal except for case, or with at most a third of
 * its letters different. Undefined if none is close.
 */
export function closest(typed: string, words: Iterable<string>): string | undefined {
  let best: string | undefined
  // A word of one or two letters has nothing in common with one that differs in a letter.
  let least = (typed.length < 3 ? 0 : Math.max(1, Math.floor(typed.length / 3))) + 1
  const lower = typed.toLowerCase()
  for (const word of words) {
    const edits = lower === word.toLowerCase() ? 0 : distance(lower, word.toLowerCase(), least)
    if (edits < least) {
      least = edits
      best = word
    }
  }
  return best
}

// Edits (insert, remove, replace, swap of neighbours) between two words, or `cap` when there are at least so many.
function distance(a: string, b: string, cap: number): number {
  if (Math.abs(a.length - b.length) >= cap) return cap
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      let edits = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, beforeLast[j - 2]! + 1)
      row.push(edits)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}
