import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { findFaults, type Told } from './check.ts'
import { connect, eventLog, requireSwitchyard, type Client, type EventLog } from './client.ts'
import { demoEvents, type DemoEvent } from './events.ts'
import { makeDestination, startPlaces, type Destination } from './places.ts'
import { progressOf, showSetUp, showSummary, showTimeline } from './print.ts'
import type { Screen } from './screen.ts'
import { keyAdvice, requireKey, type Settings } from './settings.ts'

const settleWithinMs = 30_000
const pollEveryMs = 100

/** The demo's story, told on the screen. Answers whether everything arrived as it should. */
export async function runDemo(settings: Settings, screen: Screen): Promise<boolean> {
  await requireSwitchyard(settings.url)
  const tenant = await makeTenant(settings)
  const api = connect(settings.url, tenant.key)
  const places = await startPlaces()
  try {
    const destinations: Destination[] = []
    for (const place of places) destinations.push(await makeDestination(api, place))
    showSetUp(screen, settings.url, tenant, destinations)

    const startedAt = Date.now()
    const posted: Posted[] = []
    for (const event of demoEvents) posted.push(await postEvent(api, event))
    const told = await watch(
      api,
      posted,
      (item) => showTimeline(screen, item, destinations, startedAt),
      screen,
    )

    const faults = findFaults(told, destinations)
    showSummary(screen, { told, faults, tookMs: Date.now() - startedAt, url: settings.url, key: tenant.key })
    return faults.length === 0
  } finally {
    screen.status('')
    await Promise.all(places.map(({ receiver }) => receiver.stop()))
  }
}

/** A tenant of this run's own, so that nothing of an earlier run is in the way. */
async function makeTenant(settings: Settings) {
  const { value, from } = requireKey(settings)
  const refusedKey = `Switchyard at ${settings.url} does not take the platform key ${from}. ${keyAdvice}`
  const platform = connect(settings.url, value, refusedKey)
  const name = 'Demo Bank'
  // Above the default of 200 calls a minute, because the demo asks for each event's log ten times a second.
  const limits = { apiPerMinute: 6000, apiBurst: 6000 }
  // The platform answers for the inbox, which is the demo's own: nobody is there to confirm.
  const tenant = { name, limits, emailConsent: 'vouched' }
  const { id } = await platform.post('/tenants', tenant, z.object({ id: z.string() }))
  const key = { environment: 'sandbox', name: 'npm run demo' }
  return { id, name, ...(await platform.post(`/tenants/${id}/keys`, key, z.object({ key: z.string() }))) }
}

type Posted = Omit<Told, 'log'>

const accepted = z.object({ id: z.string(), duplicate: z.boolean().optional() })

async function postEvent(api: Client, event: DemoEvent): Promise<Posted> {
  const postedAt = Date.now()
  const body = { id: event.id, type: event.type, data: event.data }
  const { id } = await api.post('/events', body, accepted)
  if (!event.postTwice) return { event, id, postedAt }
  const { duplicate = false } = await api.post('/events', body, accepted)
  return { event, id, postedAt, duplicate }
}

/** Follows all events side by side, and tells each one when it has ended, or when the time is up. */
async function watch(
  api: Client,
  posted: Posted[],
  tell: (told: Told) => void,
  screen: Screen,
): Promise<Told[]> {
  const deadline = Date.now() + settleWithinMs
  const open = new Map<string, EventLog>()

  async function follow(item: Posted): Promise<Told> {
    for (;;) {
      const log = await api.get(`/events/${item.id}`, eventLog)
      if (log.status !== 'pending' || Date.now() > deadline) {
        open.delete(item.event.type)
        const told = { ...item, log }
        tell(told)
        return told
      }
      open.set(item.event.type, log)
      screen.status(progressOf(open))
      await sleep(pollEveryMs)
    }
  }

  return Promise.all(posted.map(follow))
}
