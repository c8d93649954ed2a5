import { z } from 'zod'
import { inTenantTurn, type Tx } from '../../db/client.ts'
import type { Scope } from '../../db/destinations/destinations.ts'
import { ApiError, invalid, notFound } from '../errors.ts'
import { eventTypePresetRoutes } from './preset-routes.ts'
import {
  checkSettings,
  toColumns,
  contractTypes,
  eventTypeBody,
  eventTypePatch,
  eventTypeReply,
  toSettings,
  showOwn,
} from './fields.ts'
import { requireTypeRoom } from './room.ts'
import { route } from '../http/route.ts'
import { asJson, audit, diffFields } from '../audit/writer.ts'

/** A path segment under `/event-types`, so no type can have this name. */
const reserved = 'presets'

export const eventTypeRoutes = [
  route({
    method: 'get',
    path: '/event-types',
    operationId: 'listEventTypes',
    access: { scope: 'event-types:read' },
    summary: 'List event types: registered ones first, then those of adopted contracts and of Switchyard',
    replies: { 200: z.object({ data: z.array(eventTypeReply) }).meta({ id: 'EventTypes' }) },
    async handle({ scope }, { db }) {
      const rows = await db.eventType.findMany({
        where: { ...scope },
        orderBy: [{ createdAt: 'asc' }, { type: 'asc' }],
      })
      const own = new Set(rows.map(({ type }) => type))
      const data = [...rows.map(showOwn), ...contractTypes.filter(({ type }) => !own.has(type))]
      return { status: 200, body: { data } }
    },
  }),
  route({
    method: 'post',
    path: '/event-types',
    operationId: 'createEventType',
    access: { scope: 'event-types:write' },
    summary: 'Register an event type, optionally with a JSON Schema to validate its events',
    body: eventTypeBody,
    errors: ['already_exists', 'limit_reached'],
    replies: { 201: eventTypeReply },
    async handle({ body, scope, by }, { db, compute }) {
      const { type, description, title = null, schema = null, sample = null, enforce } = body
      if (type === reserved) throw invalid([{ path: 'type', message: `must not be ${reserved}` }])
      const settings = { description, title, schema, sample, enforce }
      await checkSettings(compute, scope.tenantId, settings)
      const row = await inTenantTurn(db, scope.tenantId, async (tx) => {
        if (await findOwn(tx, scope, type)) throw exists(type)
        await requireTypeRoom(tx, scope)
        const made = await tx.eventType.create({ data: { ...scope, type, ...toColumns(settings) } })
        const done = { action: 'event-type.registered', subject: type, after: asJson(settings) }
        await audit(tx, by, done)
        return made
      })
      return { status: 201, body: showOwn(row) }
    },
  }),
  ...eventTypePresetRoutes,
  route({
    method: 'get',
    path: '/event-types/:type',
    operationId: 'getEventType',
    access: { scope: 'event-types:read' },
    summary: 'Get an event type: the registered one if there is one, otherwise the contract’s',
    replies: { 200: eventTypeReply },
    async handle({ params: { type }, scope }, { db }) {
      const own = await findOwn(db, scope, type)
      const found = own ? showOwn(own) : contractTypes.find((entry) => entry.type === type)
      if (!found) throw notFound('event type')
      return { status: 200, body: found }
    },
  }),
  route({
    method: 'patch',
    path: '/event-types/:type',
    operationId: 'updateEventType',
    access: { scope: 'event-types:write' },
    summary: 'Update a registered event type; null removes its title, schema or sample',
    body: eventTypePatch,
    errors: ['conflict'],
    replies: { 200: eventTypeReply },
    async handle({ params: { type }, body, scope, by }, { db, compute }) {
      const checked = await findOwn(db, scope, type)
      if (!checked) throw notFound('event type')
      const settings = { ...toSettings(checked), ...given(body) }
      // Runs before the transaction, which must not wait for a compute thread.
      await checkSettings(compute, scope.tenantId, settings)
      const row = await inTenantTurn(db, scope.tenantId, async (tx) => {
        const current = await findOwn(tx, scope, type)
        if (!current) throw notFound('event type')
        if (current.updatedAt.getTime() !== checked.updatedAt.getTime()) throw changedMeanwhile(type)
        const where = { tenantId_environment_type: { ...scope, type } }
        const changes = diffFields(toSettings(current), settings)
        const done = { action: 'event-type.changed', subject: type, ...changes }
        if (changes) await audit(tx, by, done)
        return tx.eventType.update({ where, data: toColumns(settings) })
      })
      return { status: 200, body: showOwn(row) }
    },
  }),
  route({
    method: 'delete',
    path: '/event-types/:type',
    operationId: 'deleteEventType',
    access: { scope: 'event-types:write' },
    summary: 'Delete a registered event type; its events are still accepted but no longer validated',
    replies: { 204: null },
    async handle({ params: { type }, scope, by }, { db }) {
      await inTenantTurn(db, scope.tenantId, async (tx) => {
        const current = await findOwn(tx, scope, type)
        if (!current) throw notFound('event type')
        await tx.eventType.delete({ where: { tenantId_environment_type: { ...scope, type } } })
        const before = asJson(toSettings(current))
        await audit(tx, by, { action: 'event-type.deleted', subject: type, before })
      })
      return { status: 204 }
    },
  }),
]

function findOwn(db: Tx, scope: Scope, type: string) {
  return db.eventType.findUnique({ where: { tenantId_environment_type: { ...scope, type } } })
}

/** Drops undefined fields, so that they keep their values. */
function given<Change extends object>(change: Change) {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Change]?: Exclude<Change[Name], undefined>
  }
}

function changedMeanwhile(type: string): ApiError {
  return new ApiError(
    'conflict',
    `The event type ${type} was changed by another request. Read it again and retry.`,
  )
}

function exists(type: string): ApiError {
  return new ApiError('already_exists', `The event type ${type} is already registered.`, {
    errors: [{ path: 'type', message: 'is already registered' }],
  })
}
