import { z } from 'zod'
import { findEntry } from '../../domain/catalogue/index.ts'
import type { JsonObject } from '../../domain/event.ts'
import { requireDestination } from './store.ts'
import { deliveryReply, eventType } from '../events/fields.ts'
import { findSample } from '../event-types/sample.ts'
import { route } from '../http/route.ts'
import { sendTest } from './test-event.ts'
import { jsonObject } from '../fields/text.ts'

export const destinationTestRoutes = [
  route({
    method: 'post',
    path: '/destinations/:id/test',
    operationId: 'testDestination',
    causesWebhooks: true,
    access: { scope: 'destinations:write' },
    summary: 'Send a test event to a destination once and return the outcome',
    dataAt: 'data',
    body: z
      .strictObject({
        eventType: eventType.optional().meta({
          description: 'The default is a type that the destination subscribes to by name, otherwise "test".',
        }),
        data: jsonObject.optional().meta({ description: 'The default is the type’s sample payload.' }),
      })
      .meta({ id: 'DestinationTest' }),
    replies: {
      200: z
        .object({ eventId: z.string(), logId: z.int(), type: z.string(), delivery: deliveryReply })
        .meta({ id: 'DestinationTestResult' }),
    },
    async handle({ params, body, scope, by, hops }, deps) {
      const { id, subscription, delivery } = await requireDestination(deps, scope, params.id)
      const type = body.eventType ?? subscription.eventTypes.find((name) => findEntry(name)) ?? 'test'
      const data = body.data ?? (await findSample(deps.db, scope, type)) ?? madeUp
      const { timeoutMs } = delivery
      const tested = await sendTest(deps, by, { target: { destinationId: id }, type, data, timeoutMs, hops })
      return { status: 200, body: tested }
    },
  }),
]

/** The data of a test event whose type has no sample. */
const madeUp: JsonObject = { message: 'This is a test event; nothing has actually happened.' }
