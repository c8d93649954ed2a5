import type { Client } from '@temporalio/client'
import type { NativeConnection } from '@temporalio/worker'
import pg from 'pg'
import { inject } from 'vitest'
import { connectTemporal, type TemporalSettings } from '../../src/temporal/connect.ts'
import { prepareNamespace } from '../../src/temporal/namespace.ts'

/**
 * A database of one's own, with every migration: a copy of the run's template. The URL is that of the application's role, which
 * owns none of it; see `asOwner`.
 */
export async function createDatabase(name: string): Promise<string> {
  const url = new URL(inject('databaseUrl'))
  const template = url.pathname.slice(1)
  url.pathname = '/postgres'
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  // The template allows one copy at a time: files that start at once take turns.
  await client.query('SELECT pg_advisory_lock(1)')
  await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`)
  await client.end()
  return at(inject('applicationUrl'), name)
}

/** The same database as its owner, who may do anything to it. */
export function asOwner(databaseUrl: string): string {
  return at(inject('databaseUrl'), new URL(databaseUrl).pathname.slice(1))
}

function at(url: string, database: string): string {
  const other = new URL(url)
  other.pathname = `/${database}`
  return other.href
}

/** A Temporal namespace of one's own, so that no two test files take each other's tasks. */
export async function createNamespace(
  namespace: string,
  settings: NamespaceSettings = {},
): Promise<{ connection: NativeConnection; client: Client }> {
  const temporal = await openNamespace(namespace, settings)
  const workflowExecutionRetentionPeriod = { seconds: 86_400 as never }
  await temporal.client.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod })
  await prepareNamespace(temporal.client, { setRetention: false })
  return temporal
}

type NamespaceSettings = { [Name in 'address' | 'payloadKeys']?: TemporalSettings[Name] | undefined }

/** One that is there. */
export function openNamespace(
  namespace: string,
  { address = inject('temporalAddress'), payloadKeys }: NamespaceSettings = {},
) {
  return connectTemporal({ address, namespace, tls: false, payloadKeys })
}
