interface Person {
  readonly name: string
  readonly born: number
}

/**
 * One record in, one out; null would filter it out. It must depend on nothing but its record: after a crash it is
 * called again.
 */
export function initials({ name, born }: Person) {
  const letters = name.split(' ').map((word) => word[0])
  return { name, initials: letters.join(''), century: Math.ceil(born / 100) }
}
