import {
  BinaryPayloadConverter,
  CompositePayloadConverter,
  JsonPayloadConverter,
  str,
  u8,
  UndefinedPayloadConverter,
  type Payload,
} from '@temporalio/common'
import { keepText, memberText, stringifyExactly } from '../../domain/json/json-text.ts'

/**
 * Carries an event's data through Temporal byte for byte as it was posted: its text is embedded in the JSON of a workflow's input and
 * of what the workflow passes to child workflows and activities. Temporal's UI shows it as JSON.
 */
class EventJsonConverter extends JsonPayloadConverter {
  override toPayload(value: unknown): Payload | undefined {
    if (!holdsData(value)) return super.toPayload(value)
    return { ...super.toPayload({}), data: u8(stringifyExactly(value)) }
  }

  override fromPayload<T>(content: Payload): T {
    const value = super.fromPayload<T>(content)
    if (!holdsData(value)) return value
    const text = memberText(str(content.data ?? u8('')), 'event', 'data')
    if (text !== undefined) keepText(value.event.data, text)
    return value
  }
}

/** Whether the value is an input such as `RouteEventInput` whose event has not been erased. */
function holdsData<T>(value: T): value is T & { event: { data: object } } {
  const { event } = (value ?? {}) as { event?: { data?: unknown } | null }
  return typeof event?.data === 'object' && event.data !== null
}

/** Temporal's SDK loads it by this name: through `require` in the process, through webpack in the workflow bundle. */
export const payloadConverter = new CompositePayloadConverter(
  new UndefinedPayloadConverter(),
  new BinaryPayloadConverter(),
  new EventJsonConverter(),
)
