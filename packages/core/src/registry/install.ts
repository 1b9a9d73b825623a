/**
 * How a package is added to a project, for messages and READMEs.
 *
 * Decision: docs/decisions/20261130-what-a-release-is.md
 */

/**
 * Whether our packages are on npm. Set it to true in the commit of the first release and run `npm run gen`: what
 * messages, READMEs and new projects say about installing follows.
 */
export const released: boolean = false

/** What to do to have one of our packages in a project. */
export function howToInstall(name: string): string {
  return released
    ? `npm install ${name}`
    : `in a clone of Millrace \`npm run pack\`, then here \`npm install CLONE/packs/*.tgz\`: it brings ${name}`
}
