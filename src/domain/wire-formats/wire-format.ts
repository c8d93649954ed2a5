import type { Event } from '../event.ts'

/** What a wire format renders from. `sentAt` is this attempt's time; `event.createdAt` never changes. */
export interface WireRequest {
  event: Event
  destinationId: string
  sentAt: Date
  secret: string
}

/** The exact bytes to send and the headers that go with them. The signature is over `body` as it stands. */
export interface WireMessage {
  headers: Record<string, string>
  body: string
}

/** How a webhook looks on the wire: envelope, headers, signature. A pure value. */
export interface WireFormat {
  name: string
  render(request: WireRequest): WireMessage
}
