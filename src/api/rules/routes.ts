import { z } from 'zod'
import { listRules, listVersions, type RuleVersion, type StoredRule } from '../../db/rules.ts'
import { notFound } from '../errors.ts'
import { idPageReply } from '../http/id-page.ts'
import { route } from '../http/route.ts'
import { definitionReply, ruleBody, rulePatch, ruleReply } from './fields.ts'
import { changeRule, createRule, deleteRule, requireRule } from './store.ts'

const versionReply = z
  .object({
    version: z.int(),
    ...definitionReply.shape,
    keyId: z.string().meta({ description: 'The id of the key that made the change.' }),
    createdAt: z.string(),
  })
  .meta({ id: 'RuleVersion' })

const versionsQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z.coerce
    .number('must be the nextCursor of an earlier page')
    .int()
    .min(1)
    .max(2_147_483_647)
    .optional(),
})

export const ruleRoutes = [
  route({
    method: 'post',
    path: '/rules',
    operationId: 'createRule',
    access: { scope: 'rules:write' },
    summary: 'Create a rule; without a position it is added last',
    body: ruleBody,
    errors: ['limit_reached'],
    replies: { 201: ruleReply },
    async handle({ body: { enabled, position, ...definition }, by }, deps) {
      const made = await createRule(deps, by, { definition, enabled, position })
      return { status: 201, body: show(made) }
    },
  }),
  route({
    method: 'get',
    path: '/rules',
    operationId: 'listRules',
    access: { scope: 'rules:read' },
    summary: 'List all rules in the key’s environment in order, on one page',
    replies: { 200: idPageReply('RulePage', ruleReply) },
    async handle({ scope }, { db }) {
      const rules = await listRules(db, scope)
      return { status: 200, body: { data: rules.map(show), nextCursor: null } }
    },
  }),
  route({
    method: 'get',
    path: '/rules/:id',
    operationId: 'getRule',
    access: { scope: 'rules:read' },
    summary: 'Get a rule',
    replies: { 200: ruleReply },
    async handle({ params, scope }, { db }) {
      return { status: 200, body: show(await requireRule(db, scope, params.id)) }
    },
  }),
  route({
    method: 'patch',
    path: '/rules/:id',
    operationId: 'updateRule',
    access: { scope: 'rules:write' },
    summary: 'Update a rule; each given field is replaced as a whole, and null removes an optional field',
    body: rulePatch,
    errors: ['limit_reached'],
    replies: { 200: ruleReply },
    async handle({ params, body, by }, deps) {
      return { status: 200, body: show(await changeRule(deps, by, params.id, body)) }
    },
  }),
  route({
    method: 'delete',
    path: '/rules/:id',
    operationId: 'deleteRule',
    access: { scope: 'rules:write' },
    summary: 'Delete a rule; events in progress finish with it, and its latest versions are kept',
    replies: { 204: null },
    async handle({ params, by }, deps) {
      await deleteRule(deps, by, params.id)
      return { status: 204 }
    },
  }),
  switchRoute('enable', 'Enable a rule for new events', true),
  switchRoute('disable', 'Disable a rule without deleting it', false),
  route({
    method: 'get',
    path: '/rules/:id/versions',
    operationId: 'listRuleVersions',
    access: { scope: 'rules:read' },
    summary: 'List the latest 100 versions of a rule, including a deleted one, newest first',
    query: versionsQuery,
    replies: { 200: idPageReply('RuleVersionPage', versionReply) },
    async handle({ params, query: { limit, cursor }, scope }, { db }) {
      const page = { before: cursor, take: limit + 1 }
      const found = await listVersions(db, scope, params.id, page)
      if (found.length === 0 && cursor === undefined) throw notFound('rule')
      const data = found.slice(0, limit)
      const last = found.length > limit ? data.at(-1) : undefined
      return {
        status: 200,
        body: { data: data.map(showVersion), nextCursor: last ? String(last.version) : null },
      }
    },
  }),
]

function switchRoute(verb: 'enable' | 'disable', summary: string, enabled: boolean) {
  return route({
    method: 'post',
    path: `/rules/:id/${verb}`,
    operationId: `${verb}Rule`,
    access: { scope: 'rules:write' },
    summary,
    errors: ['limit_reached'],
    replies: { 200: ruleReply },
    async handle({ params, by }, deps) {
      return { status: 200, body: show(await changeRule(deps, by, params.id, { enabled })) }
    },
  })
}

function show({ id, version, position, enabled, definition, createdAt, updatedAt }: StoredRule) {
  return {
    id,
    version,
    position,
    enabled,
    ...definition,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  }
}

function showVersion({ version, definition, keyId, createdAt }: RuleVersion) {
  return { version, ...definition, keyId, createdAt: createdAt.toISOString() }
}
