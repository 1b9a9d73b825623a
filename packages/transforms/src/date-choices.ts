/** What to do with texts that do not denote exactly one instant, declared once for every step that reads dates. */
import { option } from '@millrace/core'

/** Spread into the options of a field. */
export const dateChoices = {
  fold: option.optional(
    option.oneOf(
      ['earlier', 'later', 'error'],
      'Which time is meant of the two that a clock shows in the hour by which it is set back. Default: error.',
    ),
  ),
  fraction: option.optional(
    option.oneOf(['error', 'truncate'], 'What becomes of digits finer than a millisecond. Default: error.'),
  ),
}
