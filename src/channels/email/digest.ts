import type { Digest } from '../../domain/digest.ts'
import { payloadFields } from '../../domain/json/payload-fields.ts'
import type { Composition } from '../../templates/composition.ts'
import { sharedKey, typeCounts } from '../../templates/digest.ts'
import { columns } from './layout.ts'
import { layOut } from './parts.ts'
import { minute, origin, type Fact } from '../message-facts.ts'

/** Limits the fields shown for each event. The others are in the event's delivery log. */
const fieldsPerEvent = 4

/** Returns the subject, text and HTML of a digest, with a line for each event. */
export function renderDigestEmail(of: Composition, digest: Digest) {
  const rows = digest.events.map(({ createdAt, type, id, data }) => ({
    event: [minute(createdAt), type, id],
    fields: fieldLines(data),
  }))
  return layOut(of, {
    text: rows.map(({ event, fields }) => `- ${[...event, fields.join(', ')].filter(Boolean).join('  ')}`),
    html: columns(
      ['Event', 'Fields'],
      rows.map(({ event, fields }) => [event, fields]),
    ),
    rest: moreEvents(digest),
    summary: typeCounts(digest),
    heading: 'About this digest',
    about: aboutDigest(of, digest),
  })
}

function aboutDigest(of: Composition, digest: Digest): Fact[] {
  const shared = sharedKey(digest)
  return [
    { path: 'Events', value: typeCounts(digest) },
    ...(shared === undefined ? [] : [{ path: 'In common', value: shared }]),
    { path: 'From', value: minute(digest.from) },
    { path: 'To', value: minute(digest.to) },
    { path: 'Digest id', value: of.event.id },
    ...origin({ ...of, rule: `${digest.rule.name} (${digest.rule.id})` }),
  ]
}

function fieldLines(data: Digest['events'][number]['data']): string[] {
  const { fields, more } = payloadFields(data, fieldsPerEvent)
  const lines = fields.map(({ path, value }) => `${path}: ${value}`)
  return more > 0 ? [...lines, `and ${more} more`] : lines
}

function moreEvents({ count, events }: Digest): string {
  return count > events.length ? `and ${count - events.length} more` : ''
}
