import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs, styleText } from 'node:util'
import type { Applied } from '../api/configuration/apply/apply.ts'
import { changeKinds } from '../api/configuration/changes.ts'
import { ApiError, type FieldError } from '../api/errors.ts'
import { parseYaml, yamlType } from '../api/http/body/yaml.ts'
import { ConfigError, readCommandConfig } from '../config.ts'
import { escapeVariables, fillInVariables } from './document-variables.ts'

const usage = `Usage:
  npm run --silent config -- export [--out file]
  npm run --silent config -- apply file [--dry-run] [--prune]
It calls the API at SWITCHYARD_URL (default http://127.0.0.1:3000) with the API key SWITCHYARD_KEY.`

/** Its message is printed to the caller, and the command exits with 1. */
class Refused extends Error {}

type CommandConfig = ReturnType<typeof readCommandConfig>

/** `npm run config`: an environment's destinations, templates and rules as a document (docs/guides/configuration.md). */
async function main(): Promise<void> {
  const { positionals, values } = readArguments()
  const [command, file, ...others] = positionals
  if (command === 'export' && file === undefined) return exportTo(values.out, readCommandConfig())
  if (command === 'apply' && file !== undefined && others.length === 0)
    return apply(file, values, readCommandConfig())
  throw new Refused(usage)
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { out: { type: 'string' }, 'dry-run': { type: 'boolean' }, prune: { type: 'boolean' } },
    })
  } catch (error) {
    throw new Refused(`${(error as Error).message}\n${usage}`)
  }
}

async function exportTo(out: string | undefined, config: CommandConfig): Promise<void> {
  const answer = await call(config, '', { headers: { accept: yamlType } })
  const document = escapeVariables(await answer.text())
  if (out === undefined) process.stdout.write(document)
  else writeFileSync(out, document)
}

async function apply(
  file: string,
  options: { 'dry-run'?: boolean; prune?: boolean },
  config: CommandConfig,
): Promise<void> {
  const { document, problems } = fillInVariables(readDocument(file), config.variable)
  if (problems.length > 0) throw new Refused(formatProblems(problems))
  const dryRun = options['dry-run'] === true
  const query = new URLSearchParams({ dryRun: String(dryRun), prune: String(options.prune === true) })
  const answer = await call(config, `?${query.toString()}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(document),
  })
  show((await answer.json()) as Applied)
}

function readDocument(file: string) {
  try {
    return parseYaml(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error instanceof ApiError) throw new Refused(`${file} ${error.errors?.[0]?.message ?? error.message}`)
    throw new Refused(`cannot read ${file}: ${(error as Error).message}`)
  }
}

async function call(
  { SWITCHYARD_URL: base, SWITCHYARD_KEY: key }: CommandConfig,
  query: string,
  request: RequestInit,
): Promise<Response> {
  const url = `${base.replace(/\/+$/, '')}/api/v1/configuration${query}`
  const headers = { ...request.headers, authorization: `Bearer ${key}` }
  const answer = await fetch(url, { ...request, headers }).catch((error: unknown) => {
    const { cause } = error as Error
    throw new Refused(`${base} does not answer: ${cause instanceof Error ? cause.message : String(error)}`)
  })
  if (answer.ok) return answer
  throw new Refused(await readRefusal(answer))
}

/** Returns the response's problems, one per line, or its detail. */
async function readRefusal(answer: Response): Promise<string> {
  const text = await answer.text()
  try {
    const { detail, errors } = JSON.parse(text) as { detail: string; errors?: FieldError[] }
    return errors ? formatProblems(errors) : detail
  } catch {
    return `The API answered ${answer.status} with an unexpected body. Is SWITCHYARD_URL correct?`
  }
}

function formatProblems(problems: readonly FieldError[]): string {
  return problems.map(({ path, message }) => `${path}: ${message}`).join('\n')
}

function show({ applied, changes, unmanaged, secrets = [], diff }: Applied): void {
  const counts = changeKinds.map(
    (kind) => `${changes.filter(({ change }) => change === kind).length} ${kind}`,
  )
  const lines = [
    ...(diff === '' ? [] : [process.stdout.isTTY ? coloured(diff) : diff]),
    [...counts, `${unmanaged.length} not in the document`].join(', '),
    ...(applied ? [] : ['A dry run: nothing was written.']),
    ...(secrets.length > 0 ? ['New signing secrets, shown only this once:'] : []),
    ...secrets.map(({ destination, secret }) => `  ${destination}: ${secret}`),
  ]
  console.log(lines.join('\n'))
}

function coloured(diff: string): string {
  return diff
    .split('\n')
    .map((line) => {
      if (/^(---|\+\+\+) /.test(line)) return styleText('bold', line)
      if (line.startsWith('+')) return styleText('green', line)
      return line.startsWith('-') ? styleText('red', line) : line
    })
    .join('\n')
}

try {
  await main()
} catch (error) {
  if (!(error instanceof Refused || error instanceof ConfigError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
