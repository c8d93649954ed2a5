import type { Told } from './check.ts'
import type { EventLog } from './client.ts'
import type { Destination } from './places.ts'
import type { Screen } from './screen.ts'

const nameWidth = 16
const channelWidth = 7

export function showSetUp(
  { line, paint }: Screen,
  url: string,
  tenant: { id: string; name: string },
  destinations: readonly Destination[],
): void {
  line(`${paint('bold', 'Switchyard demo')}  ${url}  (API described at ${url}/docs)`)
  line()
  line(
    `Made the tenant "${tenant.name}" (${tenant.id}) with a sandbox key, four receivers on this machine, and a`,
  )
  line('destination for each:')
  for (const { name, channel, receiver, hears, note } of destinations) {
    line(`  ${paint('bold', name.padEnd(nameWidth))}  ${channel.padEnd(channelWidth)}  ${receiver.url}`)
    line(`  ${' '.repeat(nameWidth)}  hears of ${hears}${note ? `; ${note}` : ''}`)
  }
  line()
  line(
    'Posting five events. Each is told when all its deliveries have ended; times count from the first post.',
  )
  line(
    'The risk engine is tried again after 0.5 s, 0.5 s, 5 s; the default waits 5 s, 5 min, 30 min, … up to three days.',
  )
}

/** One event: its attempts in order of time, what is not sent and why, and where Temporal shows it. */
export function showTimeline(
  screen: Screen,
  told: Told,
  destinations: readonly Destination[],
  startedAt: number,
): void {
  const { line, paint } = screen
  const { event, id, postedAt, log, duplicate } = told
  const colour = log.status === 'delivered' ? 'green' : 'red'
  line()
  line(`${paint('bold', event.type)}: ${event.about}  ${paint(colour, log.status)}`)
  line(`  ${since(startedAt, postedAt)}  posted, accepted as ${id}`)
  if (duplicate) line(`  ${' '.repeat(9)}  posted again with the same id: a duplicate, nothing is sent twice`)
  for (const row of attemptsOf(told, destinations).sort((left, right) => left.at - right.at)) {
    const mark = row.delivered ? paint('green', '✔') : paint('yellow', '✘')
    const seen = row.seen ? `  ${row.seen}` : ''
    line(
      `  ${since(startedAt, row.at)}  ${mark} ${place(row)}  attempt ${row.number}  ${row.result.padEnd(13)}${seen}`,
    )
  }
  for (const { destinationId, status, reason } of log.deliveries) {
    const destination = destinations.find((candidate) => candidate.id === destinationId)
    if (status === 'delivered' || !destination) continue
    line(
      `  ${' '.repeat(9)}  ${paint('red', '✘')} ${place(destination)}  ${status}${reason ? `: ${reason}` : ''}`,
    )
  }
  for (const { destinationId, matched, reason } of log.routing) {
    const destination = destinations.find((candidate) => candidate.id === destinationId)
    if (!matched && destination) line(paint('dim', `   not sent  · ${place(destination)}  ${reason}`))
  }
  if (log.temporalUrl) line(`   ${paint('dim', 'Temporal')}    ${paint('cyan', log.temporalUrl)}`)
}

/** The log's attempts, each with what the receiver saw of it. */
function attemptsOf({ id, log }: Told, destinations: readonly Destination[]) {
  return log.deliveries.flatMap(({ destinationId, attempts }) => {
    const destination = destinations.find((candidate) => candidate.id === destinationId)
    if (!destination) return []
    const { name, channel, receiver } = destination
    const sightings = receiver.sightingsOf(id)
    return attempts.map(({ number, at, outcome, responseCode, durationMs, error }, index) => ({
      name,
      channel,
      number,
      at: Date.parse(at),
      delivered: outcome === 'delivered',
      result: `${responseCode ?? error ?? outcome} in ${durationMs} ms`,
      seen: sightings[index]?.text,
    }))
  })
}

/** What is waited for, in one line. */
export function progressOf(open: ReadonlyMap<string, EventLog>): string {
  const waits = [...open].map(([type, { deliveries }]) => {
    const next = deliveries.find(({ status }) => status === 'pending')
    const made = next?.attempts.length ?? 0
    return made > 0 ? `${type} (attempt ${made + 1} to come)` : type
  })
  return `waiting for ${waits.join(', ')} …`
}

export function showSummary(
  { line, paint }: Screen,
  {
    told,
    faults,
    tookMs,
    url,
    key,
  }: { told: Told[]; faults: string[]; tookMs: number; url: string; key: string },
): void {
  const deliveries = told.flatMap(({ log }) => log.deliveries)
  const delivered = deliveries.filter(({ status }) => status === 'delivered').length
  const attempts = deliveries.flatMap((delivery) => delivery.attempts).length
  const counts = `${told.length} events, ${delivered} of ${deliveries.length} deliveries arrived, ${attempts} attempts, ${seconds(tookMs)}`
  line()
  if (faults.length === 0) {
    line(`${paint('green', '✔ Everything arrived as expected')}: ${counts}.`)
  } else {
    line(`${paint('red', '✘ Not everything is as expected')}: ${counts}.`)
    for (const fault of faults) line(`  ${fault}`)
  }
  line(`See for yourself: curl -H 'Authorization: Bearer ${key}' ${url}/api/v1/events`)
}

function place({ name, channel }: { name: string; channel: string }): string {
  return `${name.padEnd(nameWidth)}  ${channel.padEnd(channelWidth)}`
}

function since(startedAt: number, at: number): string {
  return `+${seconds(at - startedAt)}`.padStart(9)
}

function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1000).toFixed(2)} s`
}
