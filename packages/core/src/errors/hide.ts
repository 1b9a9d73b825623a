/**
 * Keeps secrets out of what is printed or stored (invariant 12). A driver may put an address with its password into an
 * error, and a server may send back a header; the process knows which secrets it has.
 */

/** How often each was given. */
const hidden = new Map<string, number>()

/**
 * From now on `hide` masks these values, and an address' password, in every form that they may be written in. Returns
 * what ends that, for values that expire.
 */
export function hideSecrets(values: Iterable<string>): () => void {
  return add([...values].flatMap((value) => [value, ...passwordsIn(value)]))
}

/** The same for the password in an address; the address itself may be printed. */
export function hidePassword(address: string): void {
  add(passwordsIn(address))
}

function add(texts: readonly string[]): () => void {
  // One or two characters would mask ordinary words, and such a secret protects nothing.
  const forms = texts.flatMap(formsOf).filter(({ length }) => length >= 3)
  const count = (by: number) => {
    sorted = undefined
    for (const form of forms) {
      const times = (hidden.get(form) ?? 0) + by
      if (times > 0) hidden.set(form, times)
      else hidden.delete(form)
    }
  }
  count(1)
  return () => count(-1)
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

let sorted: readonly string[] | undefined
const longestFirst = (): readonly string[] => (sorted ??= [...hidden.keys()].sort((a, b) => b.length - a.length))

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
