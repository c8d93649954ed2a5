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
import { storableTime } from '../fields/text.ts'

const auditQuery = idPageQuery.extend({
  action: z.string().optional().meta({ description: 'An action such as `destination.changed`.' }),
  subject: z.string().optional().meta({ description: 'The id of the affected resource.' }),
  keyId: z.string().optional(),
  from: storableTime.optional(),
  to: storableTime.optional().meta({ description: 'Only entries before this time.' }),
})
type AuditQuery = z.output<typeof auditQuery>

const values = z.record(z.string(), z.unknown()).optional()

const auditReply = z
  .object({
    id: z.string(),
    at: z.string(),
    environment: z.string().optional().meta({ description: 'Absent on tenant-wide entries.' }),
    action: z.string(),
    subject: z.string().optional().meta({ description: 'The id of the affected resource.' }),
    keyId: z.string(),
    session: z
      .string()
      .optional()
      .meta({ description: 'The browser session, if a person acted rather than a program.' }),
    address: z.string().optional().meta({ description: 'The IP address of the caller.' }),
    before: values.meta({
      description: 'The state before: the changed fields, or the whole deleted resource.',
    }),
    after: values.meta({
      description: 'The state after: the changed fields, or the whole created resource.',
    }),
    sequence: z
      .int()
      .optional()
      .meta({ description: 'The position in the audit chain; absent on entries older than the chain.' }),
    hash: z.string().optional(),
  })
  .meta({ id: 'AuditEntry' })
const auditPage = idPageReply('AuditPage', auditReply)

const heads = z
  .object({
    data: z.array(
      z
        .object({
          chain: z.string().meta({ description: '`<tenant>/<environment>`, `<tenant>` or `platform`.' }),
          sequence: z.int().meta({ description: 'The number of entries in the chain; 0 if it is empty.' }),
          hash: z.string().nullable(),
        })
        .meta({ id: 'AuditHead' }),
    ),
  })
  .meta({ id: 'AuditHeads' })

export const auditRoutes = [
  route({
    method: 'get',
    path: '/audit',
    operationId: 'listAuditEntries',
    access: { scope: 'audit:read' },
    summary: 'List the audit log of the key’s environment, including tenant-wide changes, newest first',
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
    operationId: 'getAuditHeads',
    access: { scope: 'audit:read' },
    summary:
      'Get the latest audit chain entry of the environment and of the tenant, to detect later truncation',
    replies: { 200: heads },
    async handle({ scope: { tenantId, environment } }, { db }) {
      const chains = [chainName(tenantId, environment), chainName(tenantId)]
      return { status: 200, body: await readHeads(db, chains) }
    },
  }),
  route({
    method: 'get',
    path: '/tenants/:id/audit',
    operationId: 'listTenantAuditEntries',
    access: 'platform',
    summary: 'List the audit log of a tenant, including a deleted one, newest first',
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
    operationId: 'getTenantAuditHeads',
    access: 'platform',
    summary: 'Get the latest audit chain entries of a tenant, including a deleted one',
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
    operationId: 'listPlatformAuditEntries',
    access: 'platform',
    summary: 'List the audit log of the platform, such as changes to platform keys, newest first',
    query: auditQuery,
    replies: { 200: auditPage },
    async handle({ query }, { db }) {
      return { status: 200, body: await list(db, query, { tenantId: null }) }
    },
  }),
  route({
    method: 'get',
    path: '/platform/audit/head',
    operationId: 'getPlatformAuditHeads',
    access: 'platform',
    summary: 'Get the latest audit chain entry of the platform',
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

/** Throws 404 for an unknown tenant. Audit entries outlive their tenant, so they are checked first. */
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
