/** The entry point of @millrace/client-files: the local disk, and its files as a source. */
export type { AfterRead } from './after.ts'
export { checkFolder, type Disk, type DiskFile, nodeDisk } from './disk.ts'
export { describeInputs, inFirstInput } from './infer.ts'
export { portable } from './list.ts'
export { afterReadOf, filesOptions, filesProblems, type FilesSpec, pathsOf, placesOf } from './options.ts'
export { filesSource } from './source.ts'
