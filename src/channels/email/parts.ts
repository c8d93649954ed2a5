import { truncate } from '../../domain/truncate.ts'
import type { Composition } from '../../templates/composition.ts'
import { button, facts, notice, page, small, subheading } from './layout.ts'
import { minute, reasonSentence, type Fact } from '../message-facts.ts'
import { getTitle } from '../../templates/message-title.ts'

/** The parts in which default mails differ. */
export interface EmailParts {
  /** The body, as lines of plain text and as HTML. */
  text: string[]
  html: string
  /** A note on what the body leaves out; empty if it is complete. */
  rest: string
  /** The start of the body, for the inbox's preview. */
  summary: string
  heading: string
  about: Fact[]
}

const maxPreheaderLength = 140

/** Puts the reason and the acknowledgement link above the body, which may be long. */
export function layOut(of: Composition, { text, html, rest, summary, heading, about }: EmailParts) {
  const title = getTitle(of)
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
      truncate([reason, summary].filter(Boolean).join(' · '), maxPreheaderLength),
    ),
  }
}

/** Returns the acknowledgement link in plain text, after an empty line; empty without a link. */
export function acknowledgeLines(of: Composition): string[] {
  const { acknowledgeUrl, acknowledgeBy } = of
  if (acknowledgeUrl === undefined) return []
  const words = acknowledgeBy === undefined ? 'Acknowledge' : `Acknowledge ${deadline(of)}`
  return ['', `${words}: ${acknowledgeUrl}`]
}

function deadline({ acknowledgeBy }: Composition): string {
  return acknowledgeBy === undefined ? '' : `by ${minute(acknowledgeBy)}`
}
