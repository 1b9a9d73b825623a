/** Constants in a config: any value that YAML can write. */
import type { OptionSchema } from '@millrace/core'

/** The option for a value of any type. */
export const anyValue = (description: string): OptionSchema<unknown> => ({ description })
