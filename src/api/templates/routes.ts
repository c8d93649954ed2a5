import { z } from 'zod'
import { openTemplate, type Template, type TemplateParts } from '../../db/templates.ts'
import type { TemplateVersion } from '../../db/generated/client.ts'
import { notFound } from '../errors.ts'
import { idPageQuery, idPageReply, readIdPage } from '../http/id-page.ts'
import { route } from '../http/route.ts'
import {
  previewOfParts,
  previewOfTemplate,
  previewReply,
  templateBody,
  templatePatch,
  templateReply,
  templateSummary,
  templateVersionReply,
} from './fields.ts'
import { previewTemplate } from './preview.ts'
import { changeTemplate, createTemplate, deleteTemplate, requireTemplate } from './store.ts'

/** Allows six parts of 64 KiB, escaped as JSON. */
const bodyMaxBytes = 1024 * 1024

export const templateRoutes = [
  route({
    method: 'post',
    path: '/templates',
    operationId: 'createTemplate',
    access: { scope: 'templates:write' },
    summary: 'Create a template with Liquid for the messages of one or more channels',
    body: templateBody,
    bodyMaxBytes,
    errors: ['limit_reached'],
    replies: { 201: templateReply },
    async handle({ body, by }, deps) {
      return { status: 201, body: show(await createTemplate(deps, by, body)) }
    },
  }),
  route({
    method: 'get',
    path: '/templates',
    operationId: 'listTemplates',
    access: { scope: 'templates:read' },
    summary: 'List the templates in the key’s environment, newest first',
    query: idPageQuery,
    replies: { 200: idPageReply('TemplatePage', templateSummary) },
    async handle({ query, scope }, { db }) {
      const page = await readIdPage(
        query,
        scope,
        (args) => db.template.findMany(args),
        (row) => summarize(openTemplate(row)),
      )
      return { status: 200, body: page }
    },
  }),
  route({
    method: 'post',
    path: '/templates/preview',
    operationId: 'previewTemplateParts',
    access: { scope: 'templates:read' },
    summary: 'Preview unsaved template parts for an event; nothing is sent',
    body: previewOfParts,
    dataAt: 'event.data',
    bodyMaxBytes,
    replies: { 200: previewReply },
    async handle({ body, scope }, deps) {
      return { status: 200, body: await previewTemplate(deps, scope, body) }
    },
  }),
  route({
    method: 'get',
    path: '/templates/:id',
    operationId: 'getTemplate',
    access: { scope: 'templates:read' },
    summary: 'Get a template',
    replies: { 200: templateReply },
    async handle({ params, scope }, { db }) {
      return { status: 200, body: show(await requireTemplate(db, scope, params.id)) }
    },
  }),
  route({
    method: 'patch',
    path: '/templates/:id',
    operationId: 'updateTemplate',
    access: { scope: 'templates:write' },
    summary: 'Update a template; changing its parts creates a new version',
    body: templatePatch,
    bodyMaxBytes,
    replies: { 200: templateReply },
    async handle({ params, body, by }, deps) {
      return { status: 200, body: show(await changeTemplate(deps, by, params.id, body)) }
    },
  }),
  route({
    method: 'delete',
    path: '/templates/:id',
    operationId: 'deleteTemplate',
    access: { scope: 'templates:write' },
    summary:
      'Delete a template; pending deliveries that use it fall back to the default message and log the reason',
    replies: { 204: null },
    async handle({ params, by }, deps) {
      await deleteTemplate(deps, by, params.id)
      return { status: 204 }
    },
  }),
  route({
    method: 'get',
    path: '/templates/:id/versions',
    operationId: 'listTemplateVersions',
    access: { scope: 'templates:read' },
    summary: 'List the versions of a template, including a deleted one, newest first',
    replies: { 200: z.object({ data: z.array(templateVersionReply) }).meta({ id: 'TemplateVersions' }) },
    async handle({ params, scope }, { db }) {
      const rows = await db.templateVersion.findMany({
        where: { ...scope, templateId: params.id },
        orderBy: { version: 'desc' },
        take: maxVersions,
      })
      if (rows.length === 0) throw notFound('template')
      return { status: 200, body: { data: rows.map(showVersion) } }
    },
  }),
  route({
    method: 'post',
    path: '/templates/:id/preview',
    operationId: 'previewTemplate',
    access: { scope: 'templates:read' },
    summary: 'Preview a template for an event; nothing is sent',
    body: previewOfTemplate,
    dataAt: 'event.data',
    replies: { 200: previewReply },
    async handle({ params, body, scope }, deps) {
      const { parts, eventTypes } = await requireTemplate(deps.db, scope, params.id)
      const previewed = { parts, eventTypes, ...body }
      return { status: 200, body: await previewTemplate(deps, scope, previewed) }
    },
  }),
]

/** The number of versions that are kept of a template. */
const maxVersions = 100

function show({ id, version, name, environment, eventTypes, parts, createdAt, updatedAt }: Template) {
  return {
    id,
    version,
    name,
    environment,
    eventTypes,
    parts,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  }
}

function summarize(template: Template) {
  const { parts, ...rest } = show(template)
  return { ...rest, channels: Object.keys(parts) }
}

function showVersion({ version, name, parts, keyId, createdAt }: TemplateVersion) {
  return { version, name, parts: parts as TemplateParts, keyId, createdAt: createdAt.toISOString() }
}
