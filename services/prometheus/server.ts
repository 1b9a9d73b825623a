/**
 * Prometheus, Debian's package. It scrapes what a test serves, so a test starts one of its own: `main.ts` does not know
 * it.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Server } from '../server.ts'

const program = ['/usr/bin/prometheus', '/usr/local/bin/prometheus'].find((path) => existsSync(path))

/** Why there is none; undefined: there is. */
export const missingPrometheus = program
  ? undefined
  : "Prometheus is not installed: apt-get install --no-install-recommends prometheus (Debian's package)"

/** One that scrapes `target` (`host:port`) every second. */
export const prometheusOf = (target: string): Server => ({
  name: 'prometheus',
  ports: 1,

  async get() {
    if (missingPrometheus) throw new Error(missingPrometheus)
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
    program!,
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
