/**
 * How a package is added to a project, for messages and READMEs.
 *
 * Decision: docs/decisions/20261130-what-a-release-is.md
 */

/**
 * Whether our packages are on npm. Set it to true in the commit of the first release and run `npm run gen`: it changes
 * what messages, READMEs and new projects say about installing.
 */
export const released: boolean = false

/** How to get one of our packages into a project. */
export function howToInstall(name: string): string {
  return released
    ? `npm install ${name}`
    : `in a clone of Millrace run \`npm run pack\`, then here \`npm install CLONE/packs/*.tgz\`: that includes ${name}`
}
