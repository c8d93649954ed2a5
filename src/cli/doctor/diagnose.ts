import { ConfigError, readConfig, requireVariables, temporalSettings } from '../../config.ts'
import { listSecrets } from '../../config-secrets.ts'
import { createRedactor } from '../../log-redaction.ts'
import { databaseChecks } from './database-checks.ts'
import { examine, failed, ok, type Result } from './examination.ts'
import { outgoingChecks } from './outgoing-checks.ts'
import { temporalChecks } from './temporal-checks.ts'

interface DiagnoseOptions {
  /** The URL of a receiver to connect to. */
  reach?: string | undefined
  onResult?: (result: Result) => void
}

/** Runs every check of the installation that these environment variables describe: by default this process's. */
export async function diagnose(
  environment: NodeJS.ProcessEnv | undefined,
  { reach, onResult = () => undefined }: DiagnoseOptions = {},
): Promise<Result[]> {
  const config = readGiven(environment)
  if (config instanceof ConfigError) {
    const remedy = 'Correct the variables: docs/reference/environment.md. Nothing else was checked.'
    const invalid: Result = { name: 'Configuration', ...failed(config.message, remedy) }
    onResult(invalid)
    return [invalid]
  }
  const redact = createRedactor(listSecrets(config))
  const temporal = temporalChecks(temporalSettings(config, config.TEMPORAL_ADDRESS))
  const outgoing = outgoingChecks(config, reach)
  try {
    const valid: Result = { name: 'Configuration', ...ok('every variable is valid') }
    onResult(valid)
    const database = databaseChecks(config.DATABASE_URL, config.SECRET_KEYS)
    const checks = [...database, ...temporal.checks, ...outgoing.checks]
    return [valid, ...(await examine(checks, redact, onResult))]
  } finally {
    await Promise.all([temporal.close(), outgoing.close()])
  }
}

function readGiven(environment: NodeJS.ProcessEnv | undefined) {
  try {
    return requireVariables(readConfig(environment), ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'SECRET_KEYS'])
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}
