import { Client } from '@temporalio/client'
import { NativeConnection } from '@temporalio/worker'
import { createDataConverter, type PayloadKeys } from './payload-codec.ts'

export interface TemporalSettings {
  address: string
  namespace: string
  /** For Temporal Cloud and other servers behind TLS. */
  tls: boolean
  apiKey?: string
  /** Absent: payloads are in the clear. */
  payloadKeys?: PayloadKeys
}

/** A connection that client and worker share, which is what lets an event start on this process's own worker. */
export async function connectTemporal({ address, namespace, tls, apiKey, payloadKeys }: TemporalSettings) {
  let connection: NativeConnection
  try {
    connection = await NativeConnection.connect({ address, tls, apiKey })
  } catch (cause) {
    throw new Error(
      `Cannot connect to Temporal at ${address}: is the server running, and is TEMPORAL_ADDRESS correct?`,
      { cause },
    )
  }
  const client = new Client({ connection, namespace, dataConverter: createDataConverter(payloadKeys) })
  return { connection, client }
}
