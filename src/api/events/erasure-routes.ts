import { z } from 'zod'
import { definedOnly } from '../../domain/defined-only.ts'
import { findErasure } from '../../db/erasures.ts'
import type { Erasure } from '../../db/generated/client.ts'
import { eraseEvent } from './erase.ts'
import { notFound } from '../errors.ts'
import { route } from '../http/route.ts'
import { noteText } from '../fields/text.ts'

const statuses = ['running', 'completed'] as const

const erasureReply = z
  .object({
    id: z.string(),
    eventId: z.string(),
    status: z.enum(statuses),
    reason: z.string().optional(),
    createdAt: z.string(),
    completedAt: z.string().optional(),
    runs: z.int().meta({
      description:
        'The number of erased workflow executions: of the event, its replays, their child workflows and digests.',
    }),
    digests: z
      .int()
      .meta({ description: 'The number of digests that contained the event and were erased with it.' }),
    archivedLines: z.int().meta({ description: 'The number of erased archive lines.' }),
  })
  .meta({ id: 'Erasure' })

export const erasureRoutes = [
  route({
    method: 'post',
    path: '/events/:id/erase',
    operationId: 'eraseEvent',
    access: { scope: 'events:erase' },
    summary: 'Erase an event’s content everywhere; its delivery record is kept',
    body: z
      .strictObject({
        reason: noteText
          .optional()
          .meta({ description: 'The reason is kept, so it must not identify anyone.' }),
      })
      .meta({ id: 'ErasureRequest' }),
    replies: {
      202: z.object({ erasureId: z.string(), status: z.enum(statuses) }).meta({ id: 'StartedErasure' }),
    },
    async handle({ params, body, by }, deps) {
      const asked = { eventId: params.id, reason: body.reason }
      const erasure = await eraseEvent(deps, by, asked)
      return { status: 202, body: { erasureId: erasure.id, status: readStatus(erasure) } }
    },
  }),
  route({
    method: 'get',
    path: '/erasures/:id',
    operationId: 'getErasure',
    access: { scope: 'events:read' },
    summary: 'Get an erasure with its progress',
    replies: { 200: erasureReply },
    async handle({ params, scope }, { db }) {
      const erasure = await findErasure(db, scope, params.id)
      if (!erasure) throw notFound('erasure')
      return { status: 200, body: show(erasure) }
    },
  }),
]

function readStatus({ completedAt }: Erasure): (typeof statuses)[number] {
  return completedAt ? 'completed' : 'running'
}

/** The counts of erased data are set once the erasure has completed. */
function show(erasure: Erasure) {
  const { id, eventId, reason, createdAt, completedAt, runs, digests, archivedLines } = erasure
  return definedOnly({
    id,
    eventId,
    status: readStatus(erasure),
    reason: reason ?? undefined,
    createdAt: createdAt.toISOString(),
    completedAt: completedAt?.toISOString(),
    runs,
    digests,
    archivedLines,
  })
}
