import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@temporalio/client'
import proto from '@temporalio/proto'
import { searchAttributes } from '../workflows/contract/lists.ts'

const retentionDays = 30
const { IndexedValueType } = proto.temporal.api.enums.v1

/** The type that each search attribute has on the server, by its name there. */
const wantedTypes: Record<string, number> = Object.fromEntries(
  Object.values(searchAttributes).map(({ name, type }) => [
    name,
    IndexedValueType[`INDEXED_VALUE_TYPE_${type}`],
  ]),
)

/**
 * Prepares a namespace for Switchyard: registers missing search attributes and, on request, sets 30 days of retention. Returns
 * the changes; running it again changes nothing.
 */
export async function prepareNamespace(
  client: Client,
  options: { setRetention: boolean },
): Promise<string[]> {
  const changed = await registerSearchAttributes(client)
  if (options.setRetention && (await setRetention(client))) changed.push(`retention of ${retentionDays} days`)
  return changed
}

/** Names of the search attributes that the namespace lacks. One that exists with another type can only be mended by hand. */
export async function missingSearchAttributes(client: Client): Promise<string[]> {
  const { namespace } = client.options
  const { customAttributes } = await client.connection.operatorService.listSearchAttributes({ namespace })
  const names = Object.keys(wantedTypes)
  const clashing = names.filter(
    (name) => name in customAttributes && customAttributes[name] !== wantedTypes[name],
  )
  if (clashing.length > 0) {
    const list = clashing.join(', ')
    throw new Error(
      `the Temporal namespace "${namespace}" already has these search attributes with another type: ${list}`,
    )
  }
  return names.filter((name) => !(name in customAttributes))
}

async function registerSearchAttributes(client: Client): Promise<string[]> {
  const missing = await missingSearchAttributes(client)
  if (missing.length === 0) return []
  await client.connection.operatorService.addSearchAttributes({
    namespace: client.options.namespace,
    searchAttributes: Object.fromEntries(
      Object.entries(wantedTypes).filter(([name]) => missing.includes(name)),
    ),
  })
  // The server takes them over in the background; until it has, a start that uses one is refused.
  for (let tries = 0; (await missingSearchAttributes(client)).length > 0; tries++) {
    if (tries >= 60) throw new Error('the search attributes did not become available in Temporal within 30 s')
    await sleep(500)
  }
  return missing.map((name) => `search attribute ${name}`)
}

async function setRetention(client: Client): Promise<boolean> {
  const { namespace } = client.options
  const { config } = await client.workflowService.describeNamespace({ namespace })
  const seconds = retentionDays * 24 * 3600
  if (Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) === seconds) return false
  await client.workflowService.updateNamespace({
    namespace,
    config: { workflowExecutionRetentionTtl: { seconds: seconds as never } },
  })
  return true
}
