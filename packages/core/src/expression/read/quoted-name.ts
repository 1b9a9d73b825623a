/** A name as it is written in an expression. */
export const quotedName = (name: string): string =>
  /^[\p{L}_][\p{L}\p{M}\p{Nd}_]*$/u.test(name) && !['in', 'true', 'false', 'null'].includes(name) ? name : `\`${name}\``
