import { hostname } from 'node:os'
import { readConfig, requireVariables, temporalSettings } from '../config.ts'
import { connectTemporal } from '../temporal/connect.ts'
import { findPollingWorkers } from '../temporal/pollers.ts'

/**
 * `npm run worker:health`: asks Temporal whether a worker on this host has polled recently, which is the health check of a
 * process without a port. Exits with 0 or 1.
 */
const config = requireVariables(readConfig(), ['TEMPORAL_ADDRESS'])
const { client } = await connectTemporal(temporalSettings(config, config.TEMPORAL_ADDRESS))
const alive = (await findPollingWorkers(client)).some((identity) => identity.endsWith(`@${hostname()}`))
console.log(alive ? 'a worker on this host polls' : 'no worker on this host polls')
process.exit(alive ? 0 : 1)
