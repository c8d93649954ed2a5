import type { Route, RouteTable } from '../http/route.ts'
import { problemReply } from '../http/problem.ts'
import { describeOperation, parameters, securitySchemes } from './operation.ts'
import { problemResponses } from './problems.ts'
import { createConverter } from './schemas.ts'
import { tagGroups, tags, webhookTag } from './tags.ts'
import { describeWebhooks } from './webhooks.ts'

/** The OpenAPI 3.1 document, derived from the same schemas that requests are parsed with. */
export function openApi(routes: RouteTable): object {
  const converter = createConverter([
    ...Object.values(routes).flat().flatMap(schemasIn),
    [problemReply, 'output'],
  ])
  const paths: Record<string, Record<string, object>> = {}
  for (const [base, list] of Object.entries(routes)) {
    for (const route of list) {
      const path = `${base}${route.path.replace(/:(\w+)/g, '{$1}')}`
      paths[path] = { ...paths[path], [route.method]: describeOperation(route, converter) }
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Switchyard',
      version: '1',
      summary: 'Multi-channel notification router with workflow rules.',
      description: introduction,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'The Switchyard that serves this document' }],
    tags: [...tags, webhookTag],
    'x-tagGroups': tagGroups,
    paths,
    webhooks: describeWebhooks(converter),
    components: { securitySchemes, parameters, responses: problemResponses, schemas: converter.components },
  }
}

function schemasIn({ query, body, describedBody, replies }: Route) {
  const described = describedBody ?? body
  return [
    ...(query ? [[query, 'input'] as const] : []),
    ...(described ? [[described, 'input'] as const] : []),
    ...Object.values(replies).flatMap((schema) => (schema ? [[schema, 'output'] as const] : [])),
  ]
}

const introduction = `Your platform posts events; Switchyard decides by the tenant’s rules who is told, and delivers durably as signed webhooks, email, Slack messages and Microsoft Teams cards.

Every request needs a key: \`Authorization: Bearer <key>\`. A tenant’s key belongs to one environment, \`sandbox\` or \`production\`, and each operation names the scope that the key needs. The platform key manages tenants.

Errors are problem details (RFC 9457) with a stable \`code\`. Lists page by \`nextCursor\`, and creating requests can be repeated safely with an \`Idempotency-Key\`.`
