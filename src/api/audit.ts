import { z } from 'zod'
import type { AuditEntry } from '../db/generated/client.ts'
import { idPageQuery, idPageReply, readIdPage } from './id-page.ts'
import { route, scopeOf } from './route.ts'

const auditReply = z.object({
  id: z.string(),
  at: z.string(),
  action: z.string(),
  subject: z.string().optional(),
  keyId: z.string(),
  address: z.string().optional(),
})

export const auditRoutes = [
  route({
    method: 'get',
    path: '/audit',
    access: { scope: 'settings:read' },
    summary:
      'List who did what in the key’s environment, newest first: so far, who saw, rotated or revoked a secret, and who changed rules, templates or the configuration',
    query: idPageQuery,
    replies: { 200: idPageReply(auditReply) },
    async handle({ query, caller }, { db }) {
      const page = await readIdPage(
        query,
        ({ where, ...args }) => db.auditEntry.findMany({ ...args, where: { ...where, ...scopeOf(caller) } }),
        show,
      )
      return { status: 200, body: page }
    },
  }),
]

function show({ id, at, action, subject, keyId, address }: AuditEntry) {
  return {
    id,
    at: at.toISOString(),
    action,
    ...(subject && { subject }),
    keyId,
    ...(address && { address }),
  }
}
