/** The available connectors and steps. */
export {
  type Builtin,
  type DefinitionKind,
  type Missing,
  type Registered,
  type Registry,
  registryOf,
  type Wanted,
} from './registry.ts'
export { loadRegistry, packageNames } from './load.ts'
export { howToInstall, released } from './install.ts'
