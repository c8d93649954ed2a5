import { readFileSync } from 'node:fs'

/**
 * Processor time used by the calling thread; undefined if unknown. Node provides it from version 22.19 and 24 on; before that
 * Linux does (proc(5), schedstat: nanoseconds on the processor).
 */
export function threadTimeMs(): number | undefined {
  const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } }
  if (threadCpuUsage) {
    const { user, system } = threadCpuUsage.call(process)
    return (user + system) / 1000
  }
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1_000_000
  } catch {
    return undefined
  }
}
