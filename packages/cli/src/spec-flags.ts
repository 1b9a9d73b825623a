/** Flags that every command about a spec has. */
import type { Flag } from './command.ts'

/** To spread into a command's flags. */
export const specFlags = {
  profile: { type: 'text', value: 'NAME', description: 'Bind connections as in profiles/NAME.yaml; default local.' },
  set: { type: 'list', value: 'VAR=VALUE', description: 'Set a var of the spec; may be repeated.' },
  'secrets-dir': {
    type: 'text',
    value: 'FOLDER',
    description: 'Folder with one file per secret; MILLRACE_SECRET_NAME takes precedence.',
  },
  'state-dir': {
    type: 'text',
    value: 'FOLDER',
    description: 'Where pipelines save their state; default: `state` of millrace.yaml, else .millrace.',
  },
  json: { type: 'boolean', description: 'Print JSON.' },
} as const satisfies Readonly<Record<string, Flag>>
