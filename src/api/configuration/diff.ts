import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import { formatYaml } from '../http/body/yaml.ts'
import type { Side, Sides } from './changes.ts'

/** Changed lines. The time that a comparison takes grows with their square. */
const maxEditLength = 500

/** Lines are compared for so long; what is left over then is shown as one text that went and one that came. */
const comparingMs = 3_000

/** A unified diff of each change's YAML. Runs on a thread. */
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
