import { isDeepStrictEqual } from 'node:util'
import { typeid } from 'typeid-js'
import { templateLimits } from '../../templates/field.ts'
import { inTenantTurn, type Tx } from '../../db/client.ts'
import type { Scope } from '../../db/destinations/destinations.ts'
import { findTemplate, openTemplate, type Template, type TemplateParts } from '../../db/templates.ts'
import { pruneVersions } from '../../db/versions.ts'
import type { AppDeps } from '../deps.ts'
import { ApiError, notFound } from '../errors.ts'
import type { Writer } from '../auth/caller.ts'
import { requireLiquid } from './fields.ts'
import { asJson, audit, diffFields } from '../audit/writer.ts'

export interface NewTemplate {
  name: string
  eventTypes: string[]
  parts: TemplateParts
}

/** Omitted fields keep their values. */
export type TemplateChange = { [Field in keyof NewTemplate]?: NewTemplate[Field] }

type StoreDeps = Pick<AppDeps, 'db' | 'compute'>

export async function createTemplate({ db, compute }: StoreDeps, writer: Writer, given: NewTemplate) {
  const { scope } = writer
  await requireLiquid(compute, scope, given.parts)
  return inTenantTurn(db, scope.tenantId, (tx) => addTemplate(tx, writer, given))
}

/** Inserts a template whose Liquid has been checked. */
export async function addTemplate(tx: Tx, writer: Writer, given: NewTemplate): Promise<Template> {
  const { scope } = writer
  await requireRoom(tx, scope)
  const id = typeid('tpl').toString()
  const template = openTemplate(await tx.template.create({ data: { id, ...scope, ...given } }))
  await keepVersion(tx, writer, template)
  await audit(tx, writer, { action: 'template.created', subject: id, after: asJson(forAudit(template)) })
  return template
}

export async function changeTemplate(
  { db, compute }: StoreDeps,
  writer: Writer,
  id: string,
  change: TemplateChange,
): Promise<Template> {
  const { scope } = writer
  if (change.parts) await requireLiquid(compute, scope, change.parts)
  return inTenantTurn(db, scope.tenantId, async (tx) => {
    return writeTemplate(tx, writer, await requireTemplate(tx, scope, id), change)
  })
}

/** Updates a template whose Liquid has been checked. */
export async function writeTemplate(
  tx: Tx,
  writer: Writer,
  current: Template,
  change: TemplateChange,
): Promise<Template> {
  const isNewVersion = change.parts !== undefined && !isDeepStrictEqual(change.parts, current.parts)
  const row = await tx.template.update({
    where: { id: current.id, ...writer.scope },
    data: { ...change, ...(isNewVersion && { version: current.version + 1 }) },
  })
  const template = openTemplate(row)
  if (isNewVersion) await keepVersion(tx, writer, template)
  const changes = diffFields(forAudit(current), forAudit(template))
  if (changes) await audit(tx, writer, { action: 'template.changed', subject: template.id, ...changes })
  return template
}

/** Keeps the template's versions, within `versionLimits`, because logs refer to them. */
export async function deleteTemplate({ db }: Pick<AppDeps, 'db'>, writer: Writer, id: string): Promise<void> {
  const { scope } = writer
  await inTenantTurn(db, scope.tenantId, async (tx) => {
    await dropTemplate(tx, writer, await requireTemplate(tx, scope, id))
  })
}

export async function dropTemplate(tx: Tx, writer: Writer, template: Template): Promise<void> {
  const { id } = template
  await tx.template.delete({ where: { id, ...writer.scope } })
  await audit(tx, writer, { action: 'template.deleted', subject: id, before: asJson(forAudit(template)) })
}

function forAudit({ id, version, name, eventTypes, parts }: Template) {
  return { id, version, name, eventTypes, parts }
}

/** Returns the template in this scope, or throws 404. */
export async function requireTemplate(db: Tx, scope: Scope, id: string): Promise<Template> {
  const found = await findTemplate(db, scope, id)
  if (!found) throw notFound('template')
  return found
}

async function requireRoom(tx: Tx, scope: Scope): Promise<void> {
  if ((await tx.template.count({ where: { ...scope } })) < templateLimits.templates) return
  throw new ApiError(
    'limit_reached',
    `A tenant can have at most ${templateLimits.templates} templates per environment; delete one first.`,
  )
}

async function keepVersion(tx: Tx, { scope, keyId }: Writer, { id, version, name, parts }: Template) {
  await tx.templateVersion.create({
    data: { templateId: id, version, ...scope, name, parts, keyId },
  })
  await pruneVersions(tx, 'templates', scope)
}
