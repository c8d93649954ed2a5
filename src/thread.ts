import { getHeapStatistics } from 'node:v8'
import { diffEntries } from './api/configuration/diff.ts'
import { ApiError } from './api/errors.ts'
import { checkData, checkSchema, forgetCompiledSchemas } from './api/event-types/schema/check.ts'
import { titleProblem } from './api/event-types/title.ts'
import { formatYaml, parseYaml } from './api/http/body/yaml.ts'
import { OverDeadline, withinDeadline } from './templates/deadline.ts'
import type { JobAnswer, JobRequest, Jobs } from './compute/job.ts'
import { passFilters } from './compute/pass-filters.ts'
import { unpackComposition, unpackData } from './compute/payload.ts'
import {
  checkParts,
  forgetParsedParts,
  previewParts,
  renderChannel,
  renderTitle,
} from './compute/render-parts.ts'
import { measureRegex } from './domain/filters/regex.ts'

/** For all filters of one event. */
const filtersMs = 1_000
/** For the largest configuration on a slow machine. */
const yamlMs = 8_000

/** The jobs of a compute thread (src/compute), by kind. Each enforces its own deadline. */
const jobs: Jobs = {
  passFilters: ({ filters, event, dataText }) =>
    passFilters(filters, { ...event, data: unpackData(dataText) }, filtersMs),
  checkData: ({ schema, dataText, at }) => checkData(schema, unpackData(dataText), at),
  checkSchema: ({ schema, sample }) => checkSchema(schema, sample),
  checkTemplates: ({ templates }) => templates.map(checkParts),
  renderParts: ({ composition, dataText, ...template }) =>
    renderChannel(template, unpackComposition({ composition, dataText })),
  makeTitle: ({ titles, cause, ...packed }) => renderTitle(titles, unpackComposition(packed), cause),
  checkTitle: ({ title, sample }) => titleProblem(title, sample),
  previewParts: ({ parts, ...packed }) => previewParts(parts, unpackComposition(packed)),
  parseYaml: ({ text }) => {
    try {
      return withinDeadline(yamlMs, () => ({ json: JSON.stringify(parseYaml(text)) }))
    } catch (error) {
      if (error instanceof ApiError) return { problems: error.errors ?? [] }
      throw error
    }
  },
  formatYaml: ({ document, comment }) => withinDeadline(yamlMs, () => formatYaml(document, { comment })),
  diffEntries: ({ changes }) => withinDeadline(yamlMs, () => diffEntries(changes)),
  measureRegexes: ({ regexes }) => regexes.map(({ pattern, options }) => measureRegex(pattern, options)),
}

/** The one function that the pool calls. */
export function runJob({ kind, input }: JobRequest): JobAnswer {
  const startedAt = performance.now()
  try {
    // A request has the input of its kind.
    const result: unknown = jobs[kind](input as never)
    return { result, ranMs: performance.now() - startedAt }
  } catch (error) {
    if (!(error instanceof OverDeadline)) throw error
    return { overTime: true, ranMs: performance.now() - startedAt }
  } finally {
    clearCachesIfFull()
  }
}

/** Clears caches once half of the heap is used, so that one tenant's jobs do not use up the memory of the next one's. */
function clearCachesIfFull(): void {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
  if (used < limit / 2) return
  forgetCompiledSchemas()
  forgetParsedParts()
}
