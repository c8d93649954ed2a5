import type { Composition } from '../channels/channel.ts'
import type { JsonObject } from '../domain/event.ts'
import type { PackedComposition } from './job.ts'

/** A payload as the text in which it is passed to a thread. */
export function packData(data: JsonObject): string {
  return JSON.stringify(data)
}

export function unpackData(text: string): JsonObject {
  return JSON.parse(text) as JsonObject
}

export function packComposition(composition: Composition): PackedComposition {
  const { event } = composition
  return { composition: { ...composition, event: { ...event, data: {} } }, dataText: packData(event.data) }
}

export function unpackComposition({ composition, dataText }: PackedComposition): Composition {
  return { ...composition, event: { ...composition.event, data: unpackData(dataText) } }
}
