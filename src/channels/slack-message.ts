import type { IncomingWebhookSendArguments } from '@slack/webhook'
import { titleOf, type Event } from '../domain/event.ts'
import { payloadFields } from '../domain/payload-fields.ts'

/** Slack's limits: a header of 150 characters, ten fields a section. `payloadFields` keeps a field below 2,000 characters. */
const headerMax = 150
const fieldsPerSection = 10
const mostFields = 30

/** Header, the payload's fields, then event id and time. Text from the payload is escaped: it can make no link or mention. */
export function renderSlackMessage(event: Event): IncomingWebhookSendArguments {
  const { fields, more } = payloadFields(event.data, mostFields)
  const sections = []
  for (let at = 0; at < fields.length; at += fieldsPerSection) {
    sections.push({
      type: 'section' as const,
      fields: fields.slice(at, at + fieldsPerSection).map(({ path, value }) => ({
        type: 'mrkdwn' as const,
        verbatim: true, // or Slack would make links of bare URLs, #channels and @names
        text: `*${escape(path)}*\n${escape(value)}`,
      })),
    })
  }
  const title = titleOf(event)
  const note = [
    `Event \`${event.id}\``,
    slackTime(event.createdAt),
    ...(more > 0 ? [`fields not shown here: ${more}`] : []),
  ]
  return {
    text: `${title} (${event.id})`,
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: title.slice(0, headerMax) } },
      ...sections,
      { type: 'context', elements: [{ type: 'mrkdwn', text: note.join(' · ') }] },
    ],
  }
}

/** Source: Slack, "Formatting text for app surfaces", escaping. */
function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Slack shows it in the reader's own zone, and the ISO time where it cannot. */
function slackTime(iso: string): string {
  return `<!date^${Math.floor(Date.parse(iso) / 1000)}^{date_short_pretty} {time_secs}|${iso}>`
}
