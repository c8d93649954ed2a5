import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@temporalio/client'
import proto from '@temporalio/proto'
import { searchAttributes } from '../workflows/contract.ts'

const retentionDays = 30
const { IndexedValueType } = proto.temporal.api.enums.v1

/** Name and type of every search attribute, as the local server's command line takes them. */
export const searchAttributeTypes = Object.fromEntries(
  Object.values(searchAttributes).map(({ name, type }) => [name, type === 'KEYWORD' ? 'Keyword' : 'KeywordList'] as const),
)

/**
 * Makes a namespace ready for Switchyard: registers the search attributes that it lacks and, where asked, sets 30 days of
 * retention. Answers with what it changed; running it again changes nothing.
 */
export async function prepareNamespace(client: Client, options: { setRetention: boolean }): Promise<string[]> {
  const changed = await registerSearchAttributes(client)
  if (options.setRetention && (await setRetention(client))) changed.push(`retention of ${retentionDays} days`)
  return changed
}

/** Names of the search attributes that the namespace lacks. */
export async function missingSearchAttributes(client: Client): Promise<string[]> {
  const { customAttributes } = await client.connection.operatorService.listSearchAttributes({
    namespace: client.options.namespace,
  })
  return Object.keys(searchAttributeTypes).filter((name) => !(name in (customAttributes ?? {})))
}

async function registerSearchAttributes(client: Client): Promise<string[]> {
  const missing = await missingSearchAttributes(client)
  if (missing.length === 0) return []
  const types = { Keyword: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD, KeywordList: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST }
  await client.connection.operatorService.addSearchAttributes({
    namespace: client.options.namespace,
    searchAttributes: Object.fromEntries(missing.map((name) => [name, types[searchAttributeTypes[name] ?? 'Keyword']])),
  })
  // The server takes them over in the background; until it has, a start that uses one is refused.
  for (let tries = 0; (await missingSearchAttributes(client)).length > 0; tries++) {
    if (tries >= 60) throw new Error('the Temporal server did not take over the search attributes within 30 s')
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
