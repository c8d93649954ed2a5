import { z } from 'zod'
import { readHead } from '../../db/audit/audit.ts'
import { chainName, platformChain } from '../../db/audit/chain.ts'
import type { Db } from '../../db/client.ts'
import type { AuditEntry, Prisma } from '../../db/generated/client.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import { environments } from '../../domain/event.ts'
import { notFound } from '../errors.ts'
import { idPageQuery, idPageReply, readIdPage } from '../http/id-page.ts'
import { route } from '../http/route.ts'
import { isoTime } from '../fields/text.ts'

const auditQuery = idPageQuery.extend({
  action: z.string().optional().meta({ description: 'As in `destination.changed`.' }),
  subject: z.string().optional().meta({ description: 'The id of what it was done to.' }),
  keyId: z.string().optional(),
  from: isoTime.optional(),
  to: isoTime.optional().meta({ description: 'What was done before it.' }),
})
type AuditQuery = z.output<typeof auditQuery>

const values = z.record(z.string(), z.unknown()).optional()

const auditReply = z.object({
  id: z.string(),
  at: z.string(),
  environment: z.string().optional().meta({ description: 'Absent where it is about all of a tenant.' }),
  action: z.string(),
  subject: z.string().optional().meta({ description: 'The id of what it was done to.' }),
  keyId: z.string(),
  session: z.string().optional().meta({ description: 'A person’s session, where it was no program.' }),
  address: z.string().optional().meta({ description: 'From where.' }),
  before: values.meta({ description: 'What it was: the fields that changed, or all of what was deleted.' }),
  after: values.meta({ description: 'What it is now: the fields that changed, or all of what was made.' }),
  sequence: z
    .int()
    .optional()
    .meta({ description: 'Its place in the chain; absent before there were chains.' }),
  hash: z.string().optional(),
})
const auditPage = idPageReply(auditReply)

const heads = z.object({
  data: z.array(
    z.object({
      chain: z.string().meta({ description: '`<tenant>/<environment>`, `<tenant>` or `platform`.' }),
      sequence: z.int().meta({ description: 'The number of entries; 0 if there are none yet.' }),
      hash: z.string().nullable(),
    }),
  ),
})

export const auditRoutes = [
  route({
    method: 'get',
    path: '/audit',
    access: { scope: 'audit:read' },
    summary:
      'List who changed what, newest first: in the key’s environment, and what is about the tenant as a whole',
    query: auditQuery,
    replies: { 200: auditPage },
    async handle({ query, scope: { tenantId, environment } }, { db }) {
      const where = { tenantId, OR: [{ environment }, { environment: null }] }
      return { status: 200, body: await list(db, query, where) }
    },
  }),
  route({
    method: 'get',
    path: '/audit/head',
    access: { scope: 'audit:read' },
    summary:
      'Get the newest entry of the environment’s chain and of the tenant’s: noted elsewhere, they show later that nothing was cut off',
    replies: { 200: heads },
    async handle({ scope: { tenantId, environment } }, { db }) {
      const chains = [chainName(tenantId, environment), chainName(tenantId)]
      return { status: 200, body: await readHeads(db, chains) }
    },
  }),
  route({
    method: 'get',
    path: '/tenants/:id/audit',
    access: 'platform',
    summary: 'List who changed what of a tenant, newest first; also of one that was deleted',
    query: auditQuery,
    replies: { 200: auditPage },
    async handle({ params: { id }, query }, { db }) {
      await requireKnown(db, id)
      return { status: 200, body: await list(db, query, { tenantId: id }) }
    },
  }),
  route({
    method: 'get',
    path: '/tenants/:id/audit/head',
    access: 'platform',
    summary: 'Get the newest entry of each chain of a tenant; also of one that was deleted',
    replies: { 200: heads },
    async handle({ params: { id } }, { db }) {
      await requireKnown(db, id)
      const chains = [...environments.map((environment) => chainName(id, environment)), chainName(id)]
      return { status: 200, body: await readHeads(db, chains) }
    },
  }),
  route({
    method: 'get',
    path: '/platform/audit',
    access: 'platform',
    summary: 'List who changed what that is no tenant’s, such as platform keys, newest first',
    query: auditQuery,
    replies: { 200: auditPage },
    async handle({ query }, { db }) {
      return { status: 200, body: await list(db, query, { tenantId: null }) }
    },
  }),
  route({
    method: 'get',
    path: '/platform/audit/head',
    access: 'platform',
    summary: 'Get the newest entry of the platform’s chain',
    replies: { 200: heads },
    async handle(_request, { db }) {
      return { status: 200, body: await readHeads(db, [platformChain]) }
    },
  }),
]

function list(db: Db, query: AuditQuery, whose: Prisma.AuditEntryWhereInput) {
  const { action, subject, keyId, from, to } = query
  // Prisma leaves out conditions that are undefined.
  const filter = {
    action: action || undefined,
    subject: subject || undefined,
    keyId: keyId || undefined,
    at: { gte: from && new Date(from), lt: to && new Date(to) },
  }
  return readIdPage(query, { ...whose, ...filter }, (args) => db.auditEntry.findMany(args), show)
}

async function readHeads(db: Db, chains: readonly string[]): Promise<z.output<typeof heads>> {
  const data = await Promise.all(
    chains.map(async (chain) => {
      const newest = await readHead(db, chain)
      return { chain, sequence: newest?.sequence ?? 0, hash: newest?.hash ?? null }
    }),
  )
  return { data }
}

/** Entries outlive their tenant. */
async function requireKnown(db: Db, tenantId: string): Promise<void> {
  const known =
    (await db.auditEntry.findFirst({ where: { tenantId }, select: { id: true } })) ??
    (await db.tenant.findUnique({ where: { id: tenantId }, select: { id: true } }))
  if (!known) throw notFound('tenant')
}

function show(entry: AuditEntry): z.output<typeof auditReply> {
  const { id, at, environment, action, subject, keyId, session, address, before, after } = entry
  const { sequence, hash } = entry
  return definedOnly({
    id,
    at: at.toISOString(),
    environment: environment ?? undefined,
    action,
    subject: subject ?? undefined,
    keyId,
    session: session ?? undefined,
    address: address ?? undefined,
    before: (before as Record<string, unknown> | null) ?? undefined,
    after: (after as Record<string, unknown> | null) ?? undefined,
    sequence: sequence ?? undefined,
    hash: hash ?? undefined,
  })
}
