import type { JsonObject } from '../../domain/event.ts'
import { truncate } from '../../domain/truncate.ts'
import type { Composition } from '../../templates/composition.ts'
import { getTitle } from '../../templates/message-title.ts'
import { minute, reasonSentence } from '../message-facts.ts'
import { adaptiveCard, paragraph, textRun, type Card } from './card.ts'
import { escapeMarkdown } from './escaping.ts'

const maxReasonLength = 1000
const maxNoteLength = 2000

export const bold = { weight: 'Bolder' }
export const monospace = { fontType: 'Monospace' }

/** Returns a default message: the given elements between a title and a closing, and a button to acknowledge. */
export function messageCard(of: Composition, elements: JsonObject[], notes: string[]): Card {
  const { acknowledgeUrl: url } = of
  const actions = url === undefined ? [] : [{ type: 'Action.OpenUrl', title: 'Acknowledge', url }]
  return adaptiveCard([...opening(of), ...elements, closing(of, notes)], {
    fallbackText: escapeMarkdown(getTitle(of)),
    ...(actions.length > 0 && { actions }),
  })
}

/** The start of a default message: title, reason and acknowledgement deadline. */
function opening(of: Composition): JsonObject[] {
  const reason = truncate(reasonSentence(of), maxReasonLength)
  return [
    paragraph([textRun(getTitle(of), { ...bold, size: 'Large' })]),
    ...(reason ? [paragraph([textRun(reason)])] : []),
    ...(of.acknowledgeUrl !== undefined && of.acknowledgeBy !== undefined
      ? [paragraph([textRun(`Acknowledge by ${minute(of.acknowledgeBy)}`)])]
      : []),
  ]
}

/** The end of a default message, in small print. */
function closing({ event, tenant, rule }: Composition, notes: string[]): JsonObject {
  const all = [
    ...notes,
    ...(rule === undefined ? [] : [`Rule: ${rule}`]),
    ...(tenant === undefined ? [] : [tenant]),
    event.environment,
  ]
  const style = { size: 'Small', isSubtle: true }
  return paragraph([textRun(truncate(all.join(' · '), maxNoteLength), style)], { separator: true })
}
