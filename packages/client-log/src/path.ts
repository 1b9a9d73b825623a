/** The path of a stream of the embedded log. */
import { join } from 'node:path'

/** The file of a stream in the log's folder; characters that are not allowed in file names are percent-encoded. */
export const logPath = (folder: string, stream: string): string =>
  join(folder, `${encodeURIComponent(stream).replaceAll('*', '%2A')}.db`)
