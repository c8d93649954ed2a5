import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { configurationOf, slackUrl } from '../support/resources/configuration.ts'
import { run } from '../support/program.ts'
import { sharedStack } from '../support/shared-stack.ts'
import { makeTenant, untilTestEnds } from '../support/stack.ts'

const stack = sharedStack({ workers: false })

/** The example of the documentation. */
const page = readFileSync(new URL('../../docs/guides/configuration.md', import.meta.url), 'utf8')
const documented = /```yaml\n([^]*?)```/.exec(page)?.[1] ?? ''

const variables = { SLACK_AML_URL: slackUrl, CASE_SYSTEM_TEAM: 'the-aml-team-7' }

async function setUp() {
  const { key } = await makeTenant(stack)
  const server = await listen(createServer(stack.app))
  const folder = await mkdtemp(join(tmpdir(), 'configuration-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'switchyard.yaml')
  await writeFile(file, documented)
  const command = async (args: string[], env: Record<string, string> = variables) => {
    const own = { PATH: '/usr/bin:/bin', SWITCHYARD_URL: server.url, SWITCHYARD_KEY: key }
    const program = run('src/cli/configuration.ts', { ...own, ...env }, args)
    return { code: await program.exited, output: program.output() }
  }
  return { file, command, configuration: configurationOf(stack, key) }
}

async function listen(server: Server): Promise<{ url: string }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  untilTestEnds({
    stop: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

describe('npm run config', { timeout: 60_000 }, () => {
  it('applies the documented example, and a second time changes nothing', async () => {
    const { file, command, configuration } = await setUp()
    const tried = await command(['apply', file, '--dry-run'])
    expect(tried.output).toContain('5 created, 0 changed, 0 deleted, 0 unchanged, 0 not in the document\n')
    expect(tried.output).toMatch(/A dry run: nothing was written\.\n$/)
    expect(tried.output).not.toContain('whsec_')
    expect(await configuration.read()).toContain('destinations: []')

    const first = await command(['apply', file])
    expect(first.code).toBe(0)
    expect(first.output).toContain('--- /dev/null\n+++ destination Screening cases\n')
    expect(first.output).toMatch(/shown only this once:\n {2}Screening cases: whsec_\S+\n$/)
    for (const secret of Object.values(variables)) expect(first.output).not.toContain(secret)

    const second = await command(['apply', file])
    expect(second).toEqual({
      code: 0,
      output: '0 created, 0 changed, 0 deleted, 5 unchanged, 0 not in the document\n',
    })
  })

  it('exports what it then applies without a change, texts with ${…} in them included', async () => {
    const { file, command, configuration } = await setUp()
    await configuration.apply({
      switchyard: 1,
      templates: [{ name: 'T', parts: { email: { text: 'costs ${AMOUNT}, $${AMOUNT} and $5' } } }],
    })
    expect((await command(['export', '--out', file])).code).toBe(0)
    expect(await readFile(file, 'utf8')).toContain('costs $${AMOUNT}, $$${AMOUNT} and $5')
    const applied = await command(['apply', file, '--prune'])
    expect(applied.output).toMatch(/^0 created, 0 changed, 0 deleted, 1 unchanged/)
    expect((await command(['export'])).output).toBe(await readFile(file, 'utf8'))
  })

  it('names every variable that is not set, and calls nobody', async () => {
    const { file, command } = await setUp()
    expect(await command(['apply', file], { SWITCHYARD_URL: 'http://127.0.0.1:1' })).toEqual({
      code: 1,
      output: `destinations.0.config.headers.X-Team: names the environment variable CASE_SYSTEM_TEAM, which is not set
destinations.2.config.webhookUrl: names the environment variable SLACK_AML_URL, which is not set
`,
    })
  })

  it('ends with 1 and each problem on a line of its own where a document is refused', async () => {
    const { file, command } = await setUp()
    await writeFile(
      file,
      documented.replace('[Screening cases]', '[Screening case]').replace('15m', '15 minutes'),
    )
    const { code, output } = await command(['apply', file])
    expect(code).toBe(1)
    expect(output.split('\n')).toEqual([
      'rules.0.steps.0.deliver.to.0: references an unknown destination: “Screening case”. Did you mean “Screening cases”?',
      'rules.0.steps.2.awaitAck.within: must be a duration such as 30s, 15m, 2h or 1d',
      '',
    ])
  })

  it('says what it needs: a key, arguments, a file, an API that answers', async () => {
    const { file, command } = await setUp()
    const outputs = [
      await command(['export'], { SWITCHYARD_KEY: '' }),
      await command(['apply']),
      await command(['apply', file, '--force']),
      await command(['apply', `${file}.none`]),
      await command(['export'], { SWITCHYARD_URL: 'http://127.0.0.1:1' }),
      await command(['export'], { SWITCHYARD_KEY: 'sk_test_wrong' }),
    ]
    expect(outputs.map(({ code }) => code)).toEqual(outputs.map(() => 1))
    const said = [
      /SWITCHYARD_KEY: must be set/,
      /^Usage:/,
      /Unknown option '--force'/,
      /cannot read .+: /,
      /^http:\/\/127\.0\.0\.1:1 does not answer: /,
      /unknown, revoked or expired/,
    ]
    outputs.forEach(({ output }, index) => expect(output).toMatch(said[index] ?? /^$/))
  })
})
