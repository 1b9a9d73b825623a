/** What to do with texts that do not denote exactly one instant, declared once for every step that reads dates. */
import { option } from '@millrace/core'

/** Spread into the options of a field. */
export const dateChoices = {
  fold: option.optional(
    option.oneOf(
      ['earlier', 'later', 'error'],
      'Which of the two times is meant in the hour that a clock shows twice when it is set back. Default: error.',
    ),
  ),
  fraction: option.optional(
    option.oneOf(['error', 'truncate'], 'What to do with digits finer than a millisecond. Default: error.'),
  ),
}
