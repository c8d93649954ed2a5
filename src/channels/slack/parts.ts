import { truncate } from '../../domain/truncate.ts'
import type { Composition } from '../../templates/composition.ts'
import { minute, reasonSentence } from '../message-facts.ts'
import { titleOf } from '../../templates/message-title.ts'
import { link, mrkdwn, section, slackLimits, truncateMrkdwn } from './blocks.ts'
import { escapeMrkdwn } from './escaping.ts'

/** What a default message begins with: its title, why it was sent, and the link, above what may be long. */
export function opening(of: Composition) {
  const reason = reasonSentence(of)
  return [
    {
      type: 'header' as const,
      text: { type: 'plain_text' as const, text: truncate(titleOf(of), slackLimits.header) },
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

/** What it ends with. `note` is mrkdwn. */
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

/** What a notification shows. */
export function notification(of: Composition): string {
  return escapeMrkdwn(titleOf(of))
}

/** Slack shows it in the reader's own zone, and in UTC where it cannot. */
export function slackTime(iso: string, form: string): string {
  return `<!date^${Math.floor(Date.parse(iso) / 1000)}^${form}|${minute(iso)}>`
}
