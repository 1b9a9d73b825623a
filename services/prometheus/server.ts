/**
 * Prometheus, Debian's package, unpacked and not installed. It scrapes what a test serves, so a test starts one of its
 * own: `main.ts` only fetches it.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Server } from '../server.ts'
import { tool } from '../tools.ts'

const install = "Prometheus is needed: `npm run services -- get`, or Debian's package `prometheus`"
const unpacked = resolve(import.meta.dirname, '../../.services/cache/prometheus')
const program = (): string | undefined => [unpacked, '/usr/bin/prometheus'].find((path) => existsSync(path))

/** Why there is none; undefined: there is. */
export const missingPrometheus = program() ? undefined : install

async function unpack(): Promise<void> {
  const part = `${unpacked}.part`
  rmSync(part, { recursive: true, force: true })
  mkdirSync(part, { recursive: true })
  const download = () =>
    tool('sh', ['-c', `cd '${part}' && apt-get download -q prometheus && dpkg -x *.deb .`], install)
  await download().catch(async () => {
    await tool('apt-get', ['update', '-q'], install)
    await download()
  })
  renameSync(join(part, 'usr/bin/prometheus'), unpacked)
  rmSync(part, { recursive: true })
}

/** One that scrapes `target` (`host:port`) every second. */
export const prometheusOf = (target: string): Server => ({
  name: 'prometheus',
  ports: 1,

  async get() {
    if (!program()) await unpack()
  },

  async prepare(place) {
    mkdirSync(place.run, { recursive: true })
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s' },
      scrape_configs: [{ job_name: 'millrace', static_configs: [{ targets: [target] }] }],
    }
    // JSON is YAML.
    writeFileSync(join(place.run, 'prometheus.yml'), JSON.stringify(config))
  },

  command: (place) => [
    program()!,
    `--config.file=${join(place.run, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(place.run, 'data')}`,
    `--web.listen-address=127.0.0.1:${place.port}`,
  ],

  async healthy(place) {
    const response = await fetch(`http://127.0.0.1:${place.port}/-/ready`)
    if (!response.ok) throw new Error(`it is not ready yet: ${response.status}`)
  },

  env: (place) => ({ MILLRACE_TEST_PROMETHEUS_URL: `http://127.0.0.1:${place.port}` }),
})
