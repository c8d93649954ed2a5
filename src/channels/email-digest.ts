import type { Digest } from '../domain/digest.ts'
import type { Event } from '../domain/event.ts'
import { payloadFields } from '../domain/payload-fields.ts'
import type { Composition } from './channel.ts'
import { digestTitle, sharedKey, typeCounts } from './digest.ts'
import { button, columns, facts, page, small } from './email-layout.ts'

/** Of each event: the rest of its fields is in its own log. */
const fieldsShown = 4

/** Subject, text and HTML of a digest: what came, and a line for each event. */
export function renderDigestEmail({ event, destination, acknowledgeUrl }: Composition, digest: Digest) {
  const title = digestTitle(digest, event)
  const rows = digest.events.map(({ createdAt, type, id, data }) => [
    minute(createdAt),
    type,
    id,
    fieldsOf(data),
  ])
  const about = aboutDigest(event, digest)
  const more = moreEvents(digest)
  return {
    subject: title,
    text: [
      title,
      '',
      ...rows.map((row) => `- ${row.filter(Boolean).join('  ')}`),
      ...(more ? [more] : []),
      ...(acknowledgeUrl === undefined ? [] : ['', `Acknowledge: ${acknowledgeUrl}`]),
      '',
      ...about.map(({ path, value }) => `${path}: ${value}`),
      `Sent by Switchyard to "${destination.name}".`,
    ].join('\n'),
    html: page(title, [
      columns(['Time', 'Type', 'Event id', 'Fields'], rows),
      more && small(more),
      button('Acknowledge', acknowledgeUrl),
      `<h2 style="font-size:14px;color:#555;margin:24px 0 4px">About this digest</h2>`,
      facts(about),
      small(`Sent by Switchyard to “${destination.name}”.`),
    ]),
  }
}

function aboutDigest({ id, environment }: Event, digest: Digest) {
  const shared = sharedKey(digest)
  return [
    { path: 'Rule', value: `${digest.rule.name} (${digest.rule.id})` },
    { path: 'Events', value: typeCounts(digest) },
    ...(shared === undefined ? [] : [{ path: 'In common', value: shared }]),
    { path: 'From', value: minute(digest.from) },
    { path: 'To', value: minute(digest.to) },
    { path: 'Digest id', value: id },
    { path: 'Environment', value: environment },
  ]
}

function fieldsOf(data: Digest['events'][number]['data']): string {
  const { fields, more } = payloadFields(data, fieldsShown)
  const shown = fields.map(({ path, value }) => `${path}: ${value}`).join(', ')
  return more > 0 ? `${shown}, and ${more} more` : shown
}

function moreEvents({ count, events }: Digest): string {
  return count > events.length ? `and ${count - events.length} more` : ''
}

function minute(iso: string): string {
  return `${new Date(iso).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
