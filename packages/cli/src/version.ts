import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** This package's version. */
export const version = (
  JSON.parse(readFileSync(findPackageJSON('..', import.meta.url)!, 'utf8')) as { version: string }
).version
