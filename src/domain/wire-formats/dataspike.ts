import { nameSubscribedTo } from '../routing/event-types.ts'
import { stringifyExactly } from '../json/json-text.ts'
import { standardSecretProblem } from '../crypto/signing-keys.ts'
import { standardHeaders } from './standard-webhooks.ts'
import type { WireFormat, WireRequest } from './wire-format.ts'

/**
 * Dataspike's envelope. Its guide says that requests are signed but not how, so Standard Webhooks' headers are used. Source:
 * Dataspike’s API reference "Webhook Event Common Fields", Dataspike’s guide §1.
 */
export const dataspike: WireFormat = {
  name: 'dataspike',
  signedBy: 'destination',
  options: ['signatures'],
  secretProblem: standardSecretProblem,
  render(request) {
    const body = request.body ?? stringifyExactly(dataspikeEnvelope(request))
    return { body, headers: { 'content-type': 'application/json', ...standardHeaders(request, body) } }
  },
}

/** The body that is sent and that the history shows. The type has the name that the destination subscribed to. */
export function dataspikeEnvelope({ event, destination }: Pick<WireRequest, 'event' | 'destination'>) {
  return {
    id: event.id,
    webhook_id: destination.id,
    event_type: nameSubscribedTo(destination.eventTypes, event.type),
    timestamp: event.createdAt,
    payload: event.data,
  }
}
