import { z } from 'zod'
import { catalogues } from '../domain/catalogue/index.ts'
import { route } from './route.ts'

const eventTypeReply = z.object({
  type: z.string(),
  aliases: z.array(z.string()),
  description: z.string(),
  group: z.string(),
  contract: z.string(),
  sample: z.record(z.string(), z.unknown()),
})

export const eventTypeRoutes = [
  route({
    method: 'get',
    path: '/event-types',
    access: { scope: 'settings:read' },
    summary: 'List the event types of the adopted contracts and Switchyard’s own, each with a sample payload',
    replies: { 200: z.object({ data: z.array(eventTypeReply) }) },
    handle() {
      const data = catalogues.flatMap(({ contract, groups }) =>
        groups.flatMap(({ name: group, types }) =>
          types.map(({ type, aliases = [], description, sample }) => ({
            type,
            aliases: [...aliases],
            description,
            group,
            contract,
            sample,
          })),
        ),
      )
      return Promise.resolve({ status: 200, body: { data } })
    },
  }),
]
