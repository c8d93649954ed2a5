import { z } from 'zod'
import { inTenantTurn } from '../../db/client.ts'
import { catalogues } from '../../domain/catalogue/index.ts'
import { inferSchema } from '../../domain/catalogue/sample-schema.ts'
import { catalogueTitle } from '../../domain/catalogue/titles.ts'
import { toColumns } from './fields.ts'
import { requireTypeRoom } from './room.ts'
import { route } from '../http/route.ts'
import { audit } from '../audit/writer.ts'

/** Presets for the adopted contracts only. Tenants cannot register Switchyard's own types. */
const presets = catalogues
  .filter(({ contract }) => contract !== 'switchyard')
  .map(({ contract, groups }) => ({ preset: contract, types: groups.flatMap(({ types }) => types) }))

const presetReply = z
  .object({ preset: z.string(), types: z.array(z.string()) })
  .meta({ id: 'EventTypePreset' })

export const eventTypePresetRoutes = [
  route({
    method: 'get',
    path: '/event-types/presets',
    operationId: 'listEventTypePresets',
    access: { scope: 'event-types:read' },
    summary: 'List the presets, which are the event types of each adopted contract',
    replies: {
      200: z.object({ data: z.array(presetReply) }).meta({ id: 'EventTypePresets' }),
    },
    handle() {
      const data = presets.map(({ preset, types }) => ({ preset, types: types.map(({ type }) => type) }))
      return Promise.resolve({ status: 200, body: { data } })
    },
  }),
  route({
    method: 'post',
    path: '/event-types/presets',
    operationId: 'applyEventTypePreset',
    access: { scope: 'event-types:write' },
    summary:
      'Register a contract’s missing event types, each with a title, a sample and a schema derived from the sample',
    body: z
      .strictObject({
        preset: z.enum(presets.map(({ preset }) => preset)),
        enforce: z.boolean().default(false),
      })
      .meta({ id: 'EventTypePresetRequest' }),
    errors: ['limit_reached'],
    replies: {
      200: z
        .object({ registered: z.array(z.string()), existing: z.array(z.string()) })
        .meta({ id: 'RegisteredEventTypes' }),
    },
    async handle({ body: { preset, enforce }, scope, by }, { db }) {
      const types = presets.find((one) => one.preset === preset)?.types ?? []
      const names = types.map(({ type }) => type)
      const existing = await inTenantTurn(db, scope.tenantId, async (tx) => {
        const there = await tx.eventType.findMany({
          where: { ...scope, type: { in: names } },
          select: { type: true },
        })
        const known = new Set(there.map(({ type }) => type))
        const missing = types.filter(({ type }) => !known.has(type))
        await requireTypeRoom(tx, scope, missing.length)
        await tx.eventType.createMany({
          data: missing.map(({ type, description, sample }) => ({
            ...scope,
            type,
            ...toColumns({
              description,
              title: catalogueTitle(type) ?? null,
              sample,
              schema: inferSchema(sample),
              enforce,
            }),
          })),
        })
        const registered = missing.map(({ type }) => type)
        const done = {
          action: 'event-types.registered',
          subject: preset,
          after: { types: registered, enforce },
        }
        if (registered.length > 0) await audit(tx, by, done)
        return known
      })
      const body = {
        registered: names.filter((name) => !existing.has(name)),
        existing: names.filter((name) => existing.has(name)),
      }
      return { status: 200, body }
    },
  }),
]
