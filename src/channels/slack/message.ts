import type { IncomingWebhookSendArguments } from '@slack/webhook'
import type { Json } from '../../domain/event.ts'
import { payloadFields } from '../../domain/json/payload-fields.ts'
import { carriableMessage } from '../carriable.ts'
import type { Composition } from '../../templates/composition.ts'
import { digestOf } from '../../domain/digest.ts'
import { mrkdwn, sections, settleBlocks, slackLimits, truncateMrkdwn } from './blocks.ts'
import { escapeMrkdwn } from './escaping.ts'
import { renderDigestSlack } from './digest.ts'
import { closing, notification, opening, slackTime } from './parts.ts'

/** Slack's limit of a section; `payloadFields` keeps a field below the 2,000 characters that one may have. */
const fieldsPerSection = 10
const mostFields = 30

export interface SlackContent {
  text: string
  blocks: NonNullable<IncomingWebhookSendArguments['blocks']>
}

/**
 * What a message says: the template's text and blocks, and the default where it has neither. Slack shows the blocks where there
 * are any, so that a template's text makes the blocks if it has none of its own; the text is what a notification shows.
 */
export function composeSlackMessage(
  of: Composition,
  content: { text?: string; blocks?: string },
): SlackContent {
  return carriableMessage(fill(of, content))
}

function fill(of: Composition, { text, blocks }: { text?: string; blocks?: string }): SlackContent {
  const standard = renderSlackMessage(of)
  if (blocks === undefined && text === undefined) return standard
  return {
    text: truncateMrkdwn(text ?? standard.text, slackLimits.text),
    blocks: blocks === undefined ? sections(text ?? '') : parseBlocks(blocks),
  }
}

/** What they are inside is Slack's to say. */
function parseBlocks(rendered: string): SlackContent['blocks'] {
  return settleBlocks(JSON.parse(rendered) as Json) as unknown as SlackContent['blocks']
}

/**
 * Header, why it was sent, the link, the payload's fields, then event id and time, where no template is for it. Text from the
 * payload is escaped: it can make no link or mention.
 */
export function renderSlackMessage(of: Composition): SlackContent {
  const { event } = of
  const digest = digestOf(event)
  if (digest) return renderDigestSlack(of, digest)
  const { fields, more } = payloadFields(event.data, mostFields)
  const fieldSections = []
  for (let at = 0; at < fields.length; at += fieldsPerSection) {
    fieldSections.push({
      type: 'section' as const,
      fields: fields
        .slice(at, at + fieldsPerSection)
        .map(({ path, value }) => mrkdwn(`*${escapeMrkdwn(path)}*\n${escapeMrkdwn(value)}`)),
    })
  }
  const note = [
    ...(more > 0 ? [`fields not shown here: ${more}`] : []),
    escapeMrkdwn(event.type),
    `Event \`${event.id}\``,
    slackTime(event.createdAt, '{date_short_pretty} {time_secs}'),
  ]
  return { text: notification(of), blocks: [...opening(of), ...fieldSections, closing(of, note)] }
}
