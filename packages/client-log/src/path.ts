/** Where a stream of the embedded log lies. */
import { join } from 'node:path'

/** The file of a stream in the log's folder; characters that a file name cannot hold are percent-encoded. */
export const logPath = (folder: string, stream: string): string =>
  join(folder, `${encodeURIComponent(stream).replaceAll('*', '%2A')}.db`)
