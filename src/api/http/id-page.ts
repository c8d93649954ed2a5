import { z } from 'zod'

/** The query of a list that is paged by id. Ids are UUIDv7 underneath: their order is the order of creation. */
export const idPageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z.string().optional(),
})

export function idPageReply<Row extends z.ZodType>(row: Row) {
  return z.object({ data: z.array(row), nextCursor: z.string().nullable() })
}

/** What to give Prisma's `findMany` besides what is asked for. */
interface IdPageArgs {
  where: { id?: { lt: string } }
  orderBy: { id: 'desc' }
  take: number
}

/** One page, newest first. One row more than asked for tells whether there is another page. */
export async function readIdPage<Row extends { id: string }, Shown>(
  { limit, cursor }: z.output<typeof idPageQuery>,
  find: (args: IdPageArgs) => Promise<Row[]>,
  show: (row: Row) => Shown,
) {
  const where = cursor === undefined ? {} : { id: { lt: cursor } }
  const found = await find({ where, orderBy: { id: 'desc' }, take: limit + 1 })
  const page = found.slice(0, limit)
  const nextCursor = found.length > limit ? (page.at(-1)?.id ?? null) : null
  return { data: page.map(show), nextCursor }
}
