/** Checks the files of a deployment with the tools that read them: the unit of systemd, the manifest of Kubernetes. */
import { execFileSync } from 'node:child_process'
import { join, resolve } from 'node:path'

const folder = resolve(import.meta.dirname, '../../deploy')
/** Validates against the schemas that Kubernetes publishes, which it contains; the version is that of the newest. */
const validator = 'kubernetes-validate==1.37.0'

/** Throws if one of them is wrong. `work`: a folder for what is installed. Needs systemd, Python and PyPI. */
export function checkFiles(work: string): void {
  const stdio = 'inherit'
  execFileSync('systemd-analyze', ['verify', join(folder, 'millrace.service')], { stdio })
  const environment = join(work, 'validator')
  execFileSync('python3', ['-m', 'venv', environment], { stdio })
  execFileSync(join(environment, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', validator], {
    stdio,
  })
  const manifest = join(folder, 'kubernetes.yaml')
  execFileSync(join(environment, 'bin/kubernetes-validate'), ['--strict', manifest], { stdio })
  console.log('the unit and the manifest are valid')
}
