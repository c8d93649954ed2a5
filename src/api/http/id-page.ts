import { z } from 'zod'

/** The query of a list that is paged by id. Ids are UUIDv7 underneath, so they sort by creation time. */
export const idPageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z.string().optional(),
})

export function idPageReply<Row extends z.ZodType>(id: string, row: Row) {
  return z.object({ data: z.array(row), nextCursor: z.string().nullable() }).meta({ id })
}

/** Arguments of Prisma's `findMany` for one page of the rows that `Where` selects. */
interface IdPageArgs<Where> {
  where: Where & { id?: { lt: string } }
  orderBy: { id: 'desc' }
  take: number
}

/** Reads one page of the rows that `where` selects, newest first. One row beyond the limit shows if another page follows. */
export async function readIdPage<Where extends object, Row extends { id: string }, Shown>(
  { limit, cursor }: z.output<typeof idPageQuery>,
  where: Where,
  find: (args: IdPageArgs<Where>) => Promise<Row[]>,
  show: (row: Row) => Shown,
) {
  const before = cursor === undefined ? {} : { id: { lt: cursor } }
  const found = await find({ where: { ...where, ...before }, orderBy: { id: 'desc' }, take: limit + 1 })
  const page = found.slice(0, limit)
  const nextCursor = found.length > limit ? (page.at(-1)?.id ?? null) : null
  return { data: page.map(show), nextCursor }
}
