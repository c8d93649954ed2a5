import { pino, type Logger } from 'pino'

export type Log = Logger

/** JSON lines, one wide event per unit of work: its name as `event`, then ids, outcome, reason and `durationMs`. */
export function createLog(level: string): Log {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'event' })
}
