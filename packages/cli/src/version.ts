import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

const manifest = JSON.parse(readFileSync(findPackageJSON('..', import.meta.url)!, 'utf8')) as {
  readonly version: string
  readonly engines: { readonly node: string }
}

/** This package's version, and the Node versions that it supports. */
export const { version, engines } = manifest
