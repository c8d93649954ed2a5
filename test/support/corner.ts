import type { Client } from '@temporalio/client'
import type { NativeConnection } from '@temporalio/worker'
import pg from 'pg'
import { inject } from 'vitest'
import { connectTemporal } from '../../src/temporal/connect.ts'
import { prepareNamespace } from '../../src/temporal/namespace.ts'

/** A database of one's own, with every migration: a copy of the run's template. */
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
  url.pathname = `/${name}`
  return url.href
}

/** A Temporal namespace of one's own, so that no two test files take each other's tasks. */
export async function createNamespace(
  namespace: string,
): Promise<{ connection: NativeConnection; client: Client }> {
  const temporal = await connectTemporal({ address: inject('temporalAddress'), namespace, tls: false })
  const workflowExecutionRetentionPeriod = { seconds: 86_400 as never }
  await temporal.client.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod })
  await prepareNamespace(temporal.client, { setRetention: false })
  return temporal
}
