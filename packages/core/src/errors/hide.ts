/**
 * Keeps secrets out of what is printed or stored (invariant 12). A driver may put an address with its password into an
 * error, and a server may send back a header; the process knows which secrets it has.
 */

const hidden = new Set<string>()

/** From now on `hide` masks these values, and an address' password, in every form that they may be written in. */
export function hideSecrets(values: Iterable<string>): void {
  for (const value of values) for (const text of [value, ...passwordsIn(value)]) add(text)
}

/** The same for the password in an address; the address itself may be printed. */
export function hidePassword(address: string): void {
  for (const text of passwordsIn(address)) add(text)
}

function add(text: string): void {
  // One or two characters would mask ordinary words, and such a secret protects nothing.
  for (const form of formsOf(text)) if (form.length >= 3) hidden.add(form)
}

/** `text` without them. `aligned`: with as many characters as before. */
export function hide(text: string, aligned = false): string {
  let plain = text
  for (const value of longestFirst()) plain = plain.replaceAll(value, aligned ? '*'.repeat(value.length) : '***')
  return plain
}

/** JSON of a value, with its texts but not its numbers and names without them. */
export const hiddenJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, (_key, each: unknown) => (typeof each === 'string' ? hide(each) : each), indent)

let sorted: readonly string[] = []
function longestFirst(): readonly string[] {
  if (sorted.length !== hidden.size) sorted = [...hidden].sort((a, b) => b.length - a.length)
  return sorted
}

const formsOf = (text: string): string[] => [
  text,
  decoded(text),
  encodeURIComponent(text),
  JSON.stringify(text).slice(1, -1),
  Buffer.from(text).toString('base64'),
]

/**
 * The password of an address, with the name before it as Basic authentication sends both. It ends at the last `@`:
 * where it has a `/` that should have been encoded, no parser finds the host, and messages show either part.
 */
function passwordsIn(address: string): string[] {
  const [, user, password] = /^[a-z][a-z0-9+.-]*:\/\/([^:@/]*):(.*)@/is.exec(address) ?? []
  if (password === undefined) return []
  return [password, ...password.split(/[/?#@]/), `${decoded(user!)}:${decoded(password)}`]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
