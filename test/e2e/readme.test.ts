import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { ok, startReceiver } from '../support/receiver.ts'
import type { RuleLog } from '../support/rules.ts'
import { startSmtpReceiver } from '../support/smtp-receiver.ts'
import { makeTenant, startStack, untilTestEnds } from '../support/stack.ts'

/** The blocks of commands of a section of the README. */
function commandsOf(section: string): string[] {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const [, text = ''] = readme.split(`\n## ${section}\n`)
  const [own = ''] = text.split('\n## ')
  return [...own.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, commands = '']) => commands)
}

it(
  'the README’s rules do as printed: webhook to Slack, and escalation unless acknowledged',
  { timeout: 90_000 },
  async () => {
    const blocks = commandsOf('Rules')
    expect(blocks).toHaveLength(2)
    const [fallBack = '', escalate = ''] = blocks
    const smtp = untilTestEnds(await startSmtpReceiver())
    const stack = untilTestEnds(
      await startStack({
        mail: { smtpUrl: `smtp://127.0.0.1:${smtp.port}`, from: 'switchyard@example.com' },
      }),
    )
    const server = stack.app.listen(0, '127.0.0.1')
    untilTestEnds({ stop: () => promisify(server.close.bind(server))() })
    const slack = untilTestEnds(await startReceiver(ok))
    const { key } = await makeTenant(stack)
    const environment = { API: `http://127.0.0.1:${portOf(server)}/api/v1`, KEY: key }
    const run = (commands: string, nothingListens: number) =>
      bash(
        commands.replaceAll('8080', String(nothingListens)).replaceAll('8081', String(slack.port)),
        environment,
      )

    const fallen = lastJson<RuleLog>(await run(fallBack, await closedPort()))
    expect(fallen).toMatchObject({
      status: 'partial',
      steps: [{ reason: '0 of 1 delivered' }, { reason: '1 of 1 delivered' }],
      deliveries: [
        { channel: 'webhook', status: 'failed' },
        { channel: 'slack', status: 'delivered' },
      ],
    })
    expect(slack.received.map(({ path }) => path)).toEqual(['/slack'])

    const seen = lastJson<RuleLog>(await run(escalate, 0))
    expect(seen.acknowledgement).toMatchObject({ by: 'Ada', via: 'api' })
    expect(seen.steps).toMatchObject([
      { kind: 'deliver' },
      { kind: 'awaitAck', reason: 'acknowledged by Ada' },
    ])
    expect(smtp.mails).toHaveLength(2)
    expect(slack.received.map(({ path }) => path)).toEqual(['/slack', '/head'])
  },
)

/** Strict, so that a command that fails is not passed over. */
async function bash(commands: string, environment: Record<string, string>): Promise<string> {
  const run = promisify(execFile)
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', commands], {
    env: { ...process.env, ...environment },
  })
  return stdout
}

/** The commands print one JSON after the other; what is inside of one is indented further. */
function lastJson<Shape>(output: string): Shape {
  return JSON.parse(output.slice(output.lastIndexOf('{\n  "'))) as Shape
}

function portOf(server: { address(): string | AddressInfo | null }): number {
  return (server.address() as AddressInfo).port
}

/** One that nothing listens on: it was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const port = portOf(server)
  await promisify(server.close.bind(server))()
  return port
}
