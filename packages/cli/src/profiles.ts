/**
 * Checks the same specs under every profile of their project: a finding under several profiles is reported once, with
 * their names.
 */
import { type Finding, profileNames } from '@millrace/core'
import type { Io } from './io.ts'
import { checkPageFiles } from './pages.ts'
import type { Printable } from './print/finding.ts'
import { type Checked, checkSpecs } from './spec.ts'

/** The result of a check under all profiles. */
export interface ProfilesChecked {
  readonly profiles: readonly string[]
  /** The specs in the order they were named, under `local`. */
  readonly checked: readonly Checked[]
  readonly findings: readonly Printable[]
}

/** Checks specs, and pages over all of them, under `local` and under each of profiles/*.yaml of their project. */
export async function checkProfiles(
  specs: readonly string[],
  flags: Parameters<typeof checkSpecs>[1],
  io: Io,
  pages: readonly string[] = [],
): Promise<ProfilesChecked> {
  const local = await checkSpecs(specs, { ...flags, profile: 'local' }, io)
  const found = new Map<string, { readonly finding: Finding; readonly profiles: string[] }>()
  const note = async (checked: readonly Checked[], profile: string) => {
    const own = pages.filter((path) => path.startsWith(checked[0]!.project.root))
    const inPages = (await checkPageFiles(own, checked)).findings
    for (const finding of [...checked.flatMap((each) => each.findings), ...inPages]) {
      const known = found.get(JSON.stringify(finding))
      if (!known) found.set(JSON.stringify(finding), { finding, profiles: [profile] })
      else if (!known.profiles.includes(profile)) known.profiles.push(profile)
    }
  }
  await note(local, 'local')
  const profiles = new Set(['local'])
  for (const [root, own] of Map.groupBy(
    specs.map((spec, i) => ({ spec, root: local[i]!.project.root })),
    (each) => each.root,
  )) {
    for (const profile of (await profileNames(root)).filter((name) => name !== 'local')) {
      profiles.add(profile)
      await note(
        await checkSpecs(
          own.map((each) => each.spec),
          { ...flags, profile },
          io,
        ),
        profile,
      )
    }
  }
  return {
    profiles: [...profiles],
    checked: local,
    findings: [...found.values()].map(({ finding, profiles: under }) => ({ ...finding, profiles: under })),
  }
}
