import type { Digest } from '../../domain/digest.ts'
import { payloadFields } from '../../domain/json/payload-fields.ts'
import { truncate } from '../../domain/truncate.ts'
import type { Composition } from '../../templates/composition.ts'
import { sharedKey, typeCounts } from '../../templates/digest.ts'
import { section, slackLimits } from './blocks.ts'
import { escapeMrkdwn } from './escaping.ts'
import { closing, notification, opening } from './parts.ts'

const fieldsPerEvent = 2
const maxFieldLength = 80
/** Leaves room for header, reason, link and note among Slack's 50 blocks. */
const maxSections = 40

/** Returns a digest's message, with one line for each event up to Slack's limits. */
export function renderDigestSlack(of: Composition, digest: Digest) {
  const { shown, groups } = groupLines(digest.events.map(eventLine))
  const left = Math.max(digest.count, digest.events.length) - shown
  const shared = sharedKey(digest)
  const note = [
    escapeMrkdwn(typeCounts(digest)),
    ...(shared ? [escapeMrkdwn(shared)] : []),
    `\`${of.event.id}\``,
  ]
  return {
    text: notification(of),
    blocks: [
      ...opening(of),
      ...groups.map((lines) => section(lines.join('\n'))),
      ...(left > 0 ? [section(`and ${left} more`)] : []),
      closing({ ...of, rule: digest.rule.name }, note),
    ],
  }
}

function eventLine({ id, type, createdAt, data }: Digest['events'][number]): string {
  const { fields } = payloadFields(data, fieldsPerEvent)
  const time = new Date(createdAt).toISOString().slice(11, 16)
  const values = fields.map(({ path, value }) => truncate(`${path}: ${value}`, maxFieldLength))
  return [time, `*${escapeMrkdwn(type)}*`, `\`${escapeMrkdwn(id)}\``, ...values.map(escapeMrkdwn)].join('  ')
}

/** Groups lines into sections, and counts the lines that fit. */
function groupLines(lines: string[]): { shown: number; groups: string[][] } {
  const groups: string[][] = []
  let length = Infinity
  let shown = 0
  for (const line of lines) {
    const full = length + 1 + line.length > slackLimits.section
    if (full && groups.length === maxSections) break
    if (full) groups.push([])
    groups.at(-1)?.push(line)
    length = full ? line.length : length + 1 + line.length
    shown++
  }
  return { shown, groups }
}
