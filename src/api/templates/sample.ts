import type { Composition } from '../../templates/composition.ts'
import { withContext } from '../../channels/message-context.ts'
import type { Scope } from '../../db/destinations/destinations.ts'
import type { JsonObject } from '../../domain/event.ts'
import { sampleRuleContext } from '../../domain/rules/context.ts'

/** Builds a message about a made-up event, with every property that a message can have. Stores nothing. */
export function sampleMessage(
  scope: Scope,
  { type, data }: { type: string; data: JsonObject },
  { tenant }: { tenant?: string },
): Composition {
  const now = new Date()
  const of = {
    event: { ...scope, id: 'evt_preview', type, data, createdAt: now.toISOString() },
    destination: { id: 'dst_preview', name: 'Preview' },
    acknowledgeUrl: 'https://switchyard.example/acknowledge/preview',
  }
  return withContext(of, { tenant, rule: sampleRuleContext(now.getTime()) })
}
