/**
 * Keeps secrets out of the output (invariant 12). A driver may put an address with its password into an error; the
 * command knows which secrets it has resolved.
 */

const hidden = new Set<string>()

/** From now on these values are printed as `***`. */
export function hideSecrets(values: Iterable<string>): void {
  for (const value of values) {
    // One or two characters would mask ordinary words, and such a secret protects nothing.
    if (value.length < 3) continue
    hidden.add(value)
    hidden.add(encodeURIComponent(value))
  }
}

/** `text` without them. */
export function hide(text: string): string {
  let plain = text
  for (const value of hidden) plain = plain.replaceAll(value, '***')
  return plain
}
