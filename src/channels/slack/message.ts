import type { IncomingWebhookSendArguments } from '@slack/webhook'
import type { Json } from '../../domain/event.ts'
import { payloadFields } from '../../domain/json/payload-fields.ts'
import { carriableMessage } from '../carriable.ts'
import type { Composition } from '../../templates/composition.ts'
import { readDigest } from '../../domain/digest.ts'
import { mrkdwn, sections, settleBlocks, slackLimits, truncateMrkdwn } from './blocks.ts'
import { escapeMrkdwn } from './escaping.ts'
import { renderDigestSlack } from './digest.ts'
import { closing, notification, opening, slackTime } from './parts.ts'

/**
 * The number of fields that Slack allows in a section. `payloadFields` keeps each field below Slack's limit of 2,000 characters.
 */
const fieldsPerSection = 10
const maxFields = 30

export interface SlackContent {
  text: string
  blocks: NonNullable<IncomingWebhookSendArguments['blocks']>
}

/**
 * Returns the template's text and blocks, or the default message. Slack shows the blocks, so a template with only a text gets
 * sections made from it; notifications show the text.
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

/** Cast without validation, because Slack validates the contents of each block. */
function parseBlocks(rendered: string): SlackContent['blocks'] {
  return settleBlocks(JSON.parse(rendered) as Json) as unknown as SlackContent['blocks']
}

/**
 * The default message: header, reason, acknowledgement link, the payload's fields, event id and time. Text from the payload is
 * escaped, so that it cannot become a link or a mention.
 */
export function renderSlackMessage(of: Composition): SlackContent {
  const { event } = of
  const digest = readDigest(event)
  if (digest) return renderDigestSlack(of, digest)
  const { fields, more } = payloadFields(event.data, maxFields)
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
