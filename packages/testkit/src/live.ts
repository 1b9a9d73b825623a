/** Addresses of real servers for live suites: `npm run test:live` starts them and sets `MILLRACE_TEST_<NAME>_URL`. */

/**
 * The address of a real server, for `describe.skipIf(!url)`. Undefined, with a message, if there is none: tests that
 * need it are skipped. In CI a missing one throws, since a suite that never runs proves nothing. `name` in capitals:
 * `KAFKA`.
 */
export function liveUrl(
  name: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
  say: (message: string) => void = console.warn,
): string | undefined {
  const variable = `MILLRACE_TEST_${name}_URL`
  const url = env[variable]
  if (url) return url
  const message = `no ${name} server: ${variable} is not set (npm run test:live starts the servers)`
  if (env['CI'] === 'true') throw new Error(message)
  say(`SKIPPED, ${message}`)
  return undefined
}
