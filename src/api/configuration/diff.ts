import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import { formatYaml } from '../http/body/yaml.ts'
import type { Side, Sides } from './changes.ts'

/** Maximum number of changed lines. The time of a comparison grows with its square. */
const maxEditLength = 500

/** Maximum time for comparing lines. Later diffs remove the whole old text and add the whole new one. */
const comparingMs = 3_000

/** Returns a unified diff of each change's YAML. Runs on a thread. */
export function diffEntries(changes: readonly (Sides & { name: string })[]): string[] {
  const endsAt = performance.now() + comparingMs
  return changes.map(({ name, before, after }) => {
    const texts = { before: toYamlText(before), after: toYamlText(after) }
    return diffTexts(name, texts, performance.now() < endsAt ? maxEditLength : 0)
  })
}

function diffTexts(
  name: string,
  { before, after }: { before: string; after: string },
  editLength: number,
): string {
  const [from, to] = [before === '' ? '/dev/null' : name, after === '' ? '/dev/null' : name]
  const options = { context: 3, headerOptions: FILE_HEADERS_ONLY }
  if (before === '' || after === '')
    return createTwoFilesPatch(from, to, before, after, undefined, undefined, options)
  const bounded = { ...options, maxEditLength: editLength }
  return (
    createTwoFilesPatch(from, to, before, after, undefined, undefined, bounded) ??
    diffTexts(name, { before, after: '' }, 0) + diffTexts(name, { before: '', after }, 0)
  )
}

function toYamlText(side: Side | undefined): string {
  if (!side) return ''
  const { entry, place } = side
  return formatYaml(entry, { comment: place === undefined ? undefined : ` position ${place}` })
}
