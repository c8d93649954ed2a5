import { truncate } from '../../domain/truncate.ts'
import type { Composition } from '../../templates/composition.ts'
import { button, facts, notice, page, small, subheading } from './layout.ts'
import { minute, reasonSentence, type Fact } from '../message-facts.ts'
import { titleOf } from '../../templates/message-title.ts'

/** What a default mail is made of, besides what every one has. */
export interface EmailParts {
  /** What it is about, as lines of plain text and as HTML. */
  text: string[]
  html: string
  /** What is left out of that; empty if it is nothing. */
  rest: string
  /** Its beginning, for the inbox. */
  summary: string
  heading: string
  about: Fact[]
}

const preheaderMax = 140

/** Why it was sent and the way to acknowledge it stand above what may be long. */
export function layOut(of: Composition, { text, html, rest, summary, heading, about }: EmailParts) {
  const title = titleOf(of)
  const reason = reasonSentence(of)
  const sender = `Sent by Switchyard${of.tenant === undefined ? '' : ` for ${of.tenant}`}`
  return {
    subject: title,
    text: [
      title,
      ...(reason ? ['', reason] : []),
      ...acknowledgeLines(of),
      '',
      ...text,
      ...(rest ? ['', rest] : []),
      '',
      ...about.map(({ path, value }) => `${path}: ${value}`),
      `${sender} to "${of.destination.name}".`,
    ].join('\n'),
    html: page(
      title,
      [
        notice(reason),
        button('Acknowledge', of.acknowledgeUrl, deadline(of)),
        html,
        rest && small(rest),
        subheading(heading),
        facts(about),
        small(`${sender} to “${of.destination.name}”.`),
      ],
      truncate([reason, summary].filter(Boolean).join(' · '), preheaderMax),
    ),
  }
}

/** The link in plain text, after an empty line; nothing without a link. */
export function acknowledgeLines(of: Composition): string[] {
  const { acknowledgeUrl, acknowledgeBy } = of
  if (acknowledgeUrl === undefined) return []
  const words = acknowledgeBy === undefined ? 'Acknowledge' : `Acknowledge ${deadline(of)}`
  return ['', `${words}: ${acknowledgeUrl}`]
}

function deadline({ acknowledgeBy }: Composition): string {
  return acknowledgeBy === undefined ? '' : `by ${minute(acknowledgeBy)}`
}
