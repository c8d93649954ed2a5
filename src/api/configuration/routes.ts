import { z } from 'zod'
import { environments } from '../../domain/event.ts'
import { applyConfiguration } from './apply/apply.ts'
import { changeKinds } from './changes.ts'
import { describedDocument, documentBody, kinds } from './document.ts'
import { exportConfiguration } from './export.ts'
import { withinBudget } from '../http/over-budget.ts'
import { route } from '../http/route.ts'

/** Enough for any document, except one with templates of many long texts. */
const bodyMaxBytes = 1024 * 1024

const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true')

const applyQuery = z.strictObject({
  dryRun: flag.meta({ description: 'Report the changes without applying them.' }),
  prune: flag.meta({ description: 'Delete resources that are missing from the document’s lists.' }),
})

const documentReply = z
  .object({
    switchyard: z.int().meta({ description: 'The version of the document.' }),
    environment: z.enum(environments),
    destinations: z.array(z.record(z.string(), z.unknown())).meta({ description: 'Secrets are masked.' }),
    templates: z.array(z.record(z.string(), z.unknown())),
    rules: z.array(z.record(z.string(), z.unknown())).meta({ description: 'In evaluation order.' }),
  })
  .meta({ id: 'ExportedConfiguration' })

const named = { kind: z.enum(kinds), name: z.string(), id: z.string() }

const appliedReply = z
  .object({
    applied: z.boolean().meta({ description: 'False on a dry run.' }),
    changes: z.array(
      z
        .object({
          ...named,
          change: z.enum(changeKinds),
          diff: z
            .string()
            .optional()
            .meta({ description: 'A unified diff of its YAML; secrets are masked.' }),
        })
        .meta({ id: 'ConfigurationChange' }),
    ),
    unmanaged: z
      .array(z.object(named).meta({ id: 'UnmanagedResource' }))
      .meta({ description: 'Resources that are kept although the document does not contain them.' }),
    secrets: z
      .array(z.object({ destination: z.string(), secret: z.string() }).meta({ id: 'NewDestinationSecret' }))
      .optional()
      .meta({ description: 'Generated signing secrets, returned only in this response.' }),
    diff: z.string().meta({ description: 'All diffs concatenated.' }),
  })
  .meta({ id: 'AppliedConfiguration' })

export const configurationRoutes = [
  route({
    method: 'get',
    path: '/configuration',
    operationId: 'exportConfiguration',
    access: { scope: 'configuration:read' },
    summary: 'Export destinations, templates and rules as one YAML document, without secrets',
    yaml: true,
    replies: { 200: documentReply },
    async handle({ scope }, deps) {
      const { document, left } = await exportConfiguration(deps, scope)
      const formatting = deps.compute.run(scope.tenantId, 'formatYaml', {
        document,
        comment: commentOn(left),
      })
      const yaml = await withinBudget(formatting, 'configuration')
      return { status: 200, body: document, yaml }
    },
  }),
  route({
    method: 'post',
    path: '/configuration',
    operationId: 'applyConfiguration',
    access: { scope: 'configuration:write' },
    summary: 'Apply a configuration document to the environment atomically',
    query: applyQuery,
    body: documentBody,
    describedBody: describedDocument,
    bodyMaxBytes,
    yaml: true,
    errors: ['limit_reached'],
    replies: { 200: appliedReply },
    async handle({ query, body, by }, deps) {
      return { status: 200, body: await applyConfiguration(deps, by, body, query) }
    },
  }),
]

function commentOn(left: readonly string[]): string | undefined {
  if (left.length === 0) return undefined
  const lines = left.map((name) => `\n   ${name}`)
  return ` Not included, because they are managed through the API of an adopted contract:${lines.join('')}`
}
