import { isJsonObject, type Json } from '../event.ts'

/** The dotted paths at which two values differ, as in `email.html` or `0.deliver.to.1`; at most `max`. A value itself has the path ''. */
export function changedPaths(before: Json | undefined, after: Json | undefined, max: number): string[] {
  const found: string[] = []
  collect(before, after, '', found, max)
  return found
}

function collect(
  before: Json | undefined,
  after: Json | undefined,
  path: string,
  found: string[],
  max: number,
): void {
  if (found.length >= max) return
  const [old, now] = [listMembers(before), listMembers(after)]
  if (!old || !now || Array.isArray(before) !== Array.isArray(after)) {
    if (old || now || before !== after) found.push(path)
    return
  }
  for (const name of new Set([...old.keys(), ...now.keys()]))
    collect(old.get(name), now.get(name), path === '' ? name : `${path}.${name}`, found, max)
}

function listMembers(value: Json | undefined): Map<string, Json> | undefined {
  if (Array.isArray(value)) return new Map(value.map((item, index) => [String(index), item]))
  return isJsonObject(value) ? new Map(Object.entries(value)) : undefined
}
