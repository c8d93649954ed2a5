import { homedir } from 'node:os'
import { join } from 'node:path'
import { findTemporalBinary } from '../../src/embedded/temporal/binary.ts'

/** The Temporal server's binary, as `npm start` finds it. */
export function temporalBinary(progress: (line: string) => void): Promise<string> {
  return findTemporalBinary({
    path: process.env.PATH ?? '',
    cacheDir: process.env.CACHE_DIR ?? join(homedir(), '.cache', 'switchyard'),
    progress,
  })
}
