import type { Composition } from '../templates/composition.ts'
import type { JsonObject } from '../domain/event.ts'
import { jsonText, parseKeepingText } from '../domain/json/json-text.ts'
import type { PackedComposition } from './job.ts'

/** A payload in the form in which it is passed to a thread: a structured clone would lose numbers as they were posted. */
export function packData(data: JsonObject): string {
  return jsonText(data)
}

export function unpackData(text: string): JsonObject {
  return parseKeepingText(text)
}

export function packComposition(composition: Composition): PackedComposition {
  const { event } = composition
  return { composition: { ...composition, event: { ...event, data: {} } }, dataText: packData(event.data) }
}

export function unpackComposition({ composition, dataText }: PackedComposition): Composition {
  return { ...composition, event: { ...composition.event, data: unpackData(dataText) } }
}
