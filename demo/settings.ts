import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/** A fault that is told to people in its own words, without a stack. */
export class DemoError extends Error {}

export interface PlatformKey {
  value: string
  /** Where it was found, for the sentence that says it is refused. */
  from: string
}

export interface Settings {
  /** Base of the API, without a slash at its end. */
  url: string
  key: PlatformKey | undefined
  dataDir: string
}

export function readSettings(args: string[], environment: NodeJS.ProcessEnv): Settings {
  const url = environment.SWITCHYARD_URL || 'http://127.0.0.1:3000'
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new DemoError(
      `SWITCHYARD_URL cannot be used: "${url}" is no address such as http://127.0.0.1:3000.`,
    )
  }
  const dataDir = environment.DATA_DIR || '.data'
  return {
    url: url.replace(/\/+$/, ''),
    key: findPlatformKey(readArguments(args), environment, dataDir),
    dataDir,
  }
}

function readArguments(args: string[]) {
  try {
    return parseArgs({ args, options: { key: { type: 'string' } } }).values
  } catch (error) {
    throw new DemoError(`${(error as Error).message}. The demo takes one argument: npm run demo -- --key=…`)
  }
}

function findPlatformKey(
  given: { key?: string },
  environment: NodeJS.ProcessEnv,
  dataDir: string,
): PlatformKey | undefined {
  if (environment.ADMIN_API_KEY)
    return { value: environment.ADMIN_API_KEY.trim(), from: 'given by ADMIN_API_KEY' }
  if (given.key) return { value: given.key.trim(), from: 'given by --key' }
  const file = join(dataDir, 'platform.key')
  return existsSync(file) ? { value: readFileSync(file, 'utf8').trim(), from: `in ${file}` } : undefined
}

/** The platform key, or what to do without one. */
export function requireKey({ key, dataDir }: Settings): PlatformKey {
  if (key) return key
  throw new DemoError(
    `The demo needs the platform key, and there is none in ${join(dataDir, 'platform.key')}. ${keyAdvice}`,
  )
}

export const keyAdvice = `
Give it the key that Switchyard runs with:
  npm run demo -- --key=sk_platform_…      the key that \`npm start\` printed at its first start
  ADMIN_API_KEY=… npm run demo             the same ADMIN_API_KEY that \`npm start\` was given
Lost it? Stop Switchyard, then start it with a key of your own, of 24 characters or more: ADMIN_API_KEY=… npm start`
