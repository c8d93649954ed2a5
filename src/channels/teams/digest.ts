import type { JsonObject } from '../../domain/event.ts'
import type { Digest } from '../../domain/digest.ts'
import { payloadFields } from '../../domain/json/payload-fields.ts'
import { truncate } from '../../domain/truncate.ts'
import type { Composition } from '../../templates/composition.ts'
import { sharedKey, typeCounts } from '../../templates/digest.ts'
import { largestFitting, paragraph, textRun, type Card } from './card.ts'
import { bold, messageCard, monospace } from './parts.ts'

const fieldsPerEvent = 2
const maxFieldLength = 80

/** Returns a card with one line for each event, up to the size of a message. */
export function digestCard(of: Composition, digest: Digest): Card {
  const { events, count, rule } = digest
  const shared = sharedKey(digest)
  const notes = [typeCounts(digest), ...(shared === undefined ? [] : [shared]), of.event.id]
  return largestFitting(0, events.length, (shown) => {
    const left = Math.max(count, events.length) - shown
    const rest = left > 0 ? [paragraph([textRun(`and ${left} more`)])] : []
    const lines = events.slice(0, shown).map(eventLine)
    return messageCard({ ...of, rule: rule.name }, [...lines, ...rest], notes)
  })
}

function eventLine({ id, type, createdAt, data }: Digest['events'][number]): JsonObject {
  const { fields } = payloadFields(data, fieldsPerEvent)
  const time = new Date(createdAt).toISOString().slice(11, 16)
  const values = fields.map(({ path, value }) => `  ${truncate(`${path}: ${value}`, maxFieldLength)}`)
  return paragraph(
    [
      textRun(`${time}  `),
      textRun(type, bold),
      textRun('  '),
      textRun(id, monospace),
      textRun(values.join('')),
    ].filter(({ text }) => text !== ''),
    { spacing: 'Small' },
  )
}
