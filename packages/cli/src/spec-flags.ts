/** Flags that every command about a spec has. */
import type { Flag } from './command.ts'

/** To be spread into a command's flags. */
export const specFlags = {
  profile: { type: 'text', value: 'NAME', description: 'Bind connections by profiles/NAME.yaml; default local.' },
  set: { type: 'list', value: 'VAR=VALUE', description: 'Give a var of the spec a value; may be repeated.' },
  'secrets-dir': {
    type: 'text',
    value: 'FOLDER',
    description: 'Folder with a file per secret; MILLRACE_SECRET_NAME comes first.',
  },
  'state-dir': {
    type: 'text',
    value: 'FOLDER',
    description: 'Keep what pipelines save below this folder; default: `state` of millrace.yaml, else .millrace.',
  },
  json: { type: 'boolean', description: 'Print JSON.' },
} as const satisfies Readonly<Record<string, Flag>>
