import { truncate } from '../../domain/truncate.ts'
import type { Composition } from '../../templates/composition.ts'
import { minute, reasonSentence } from '../message-facts.ts'
import { getTitle } from '../../templates/message-title.ts'
import { link, mrkdwn, section, slackLimits, truncateMrkdwn } from './blocks.ts'
import { escapeMrkdwn } from './escaping.ts'

/** The start of a default message: title, reason and acknowledgement link, above fields that may be long. */
export function opening(of: Composition) {
  const reason = reasonSentence(of)
  return [
    {
      type: 'header' as const,
      text: { type: 'plain_text' as const, text: truncate(getTitle(of), slackLimits.header) },
    },
    ...(reason ? [section(truncateMrkdwn(escapeMrkdwn(reason), slackLimits.section))] : []),
    ...acknowledge(of),
  ]
}

function acknowledge({ acknowledgeUrl, acknowledgeBy }: Composition) {
  if (acknowledgeUrl === undefined) return []
  const by =
    acknowledgeBy === undefined ? '' : ` by ${slackTime(acknowledgeBy, '{date_short_pretty} {time}')}`
  return [section(`${link(acknowledgeUrl, 'Acknowledge')}${by}`)]
}

/** The end of a default message. `note` is mrkdwn. */
export function closing({ event, tenant, rule }: Composition, note: string[]) {
  const all = [
    ...note,
    ...(rule === undefined ? [] : [`Rule: ${escapeMrkdwn(rule)}`]),
    ...(tenant === undefined ? [] : [escapeMrkdwn(tenant)]),
    event.environment,
  ]
  return {
    type: 'context' as const,
    elements: [mrkdwn(truncateMrkdwn(all.join(' · '), slackLimits.section))],
  }
}

/** The text of a notification. */
export function notification(of: Composition): string {
  return escapeMrkdwn(getTitle(of))
}

/** Formats a time that Slack shows in the reader's time zone, or in UTC if it cannot. */
export function slackTime(iso: string, form: string): string {
  return `<!date^${Math.floor(Date.parse(iso) / 1000)}^${form}|${minute(iso)}>`
}
