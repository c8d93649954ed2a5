import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Webhook } from 'standardwebhooks'
import { expect, it, onTestFinished } from 'vitest'
import { run } from '../support/program.ts'
import { ok, startReceiver } from '../support/servers/receiver.ts'
import type { RuleLog } from '../support/workflows/rules.ts'
import { startSmtpReceiver } from '../support/servers/smtp-receiver.ts'
import { adminKey, eventually, startStack, untilTestEnds } from '../support/stack.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The code blocks in a language, of one section of a page. */
function codeBlocks(page: string, section: string, language: string): string[] {
  const [, text = ''] = readFileSync(join(root, page), 'utf8').split(new RegExp(`\n##+ ${section}\n`))
  const [own = ''] = text.split(/\n##+ /)
  return [...own.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map(([, code = '']) => code)
}

function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-readme-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

it(
  'the documented commands do as printed: a first event, webhook to Slack, and escalation unless acknowledged',
  { timeout: 90_000 },
  async () => {
    const [first = ''] = codeBlocks('README.md', 'Your first event', 'sh')
    const [fallBack = '', escalate = '', ...others] = codeBlocks(
      'docs/guides/rules.md',
      'Two examples to run',
      'sh',
    )
    expect(others).toEqual([])
    const smtp = untilTestEnds(await startSmtpReceiver())
    const stack = untilTestEnds(
      await startStack({
        mail: { smtpUrl: `smtp://127.0.0.1:${smtp.port}`, from: 'switchyard@example.com' },
      }),
    )
    const server = stack.app.listen(0, '127.0.0.1')
    untilTestEnds({ stop: () => promisify(server.close.bind(server))() })
    const slack = untilTestEnds(await startReceiver(ok))
    const ports = new Map([
      ['3000', portOf(server)],
      ['8080', await closedPort()],
      ['8081', slack.port],
    ])
    const folder = scratchFolder()
    mkdirSync(join(folder, '.data'))
    writeFileSync(join(folder, '.data/platform.key'), adminKey)
    const shell = openShell(folder, ports)

    await shell(first)
    const { status, deliveries, routing } = await eventually(
      async () => lastJson<RuleLog>(await shell('get /events/$EVENT | jq')),
      (log) => log.deliveries.some(({ attempts }) => attempts.length > 0),
    )
    // The answer that the README shows; the second attempt may have been made by now.
    expect(status).toBe('pending')
    expect(deliveries).toMatchObject([{ channel: 'webhook', status: 'pending' }])
    const refused = expect.stringContaining('connection refused') as string
    expect(deliveries[0]?.attempts[0]).toMatchObject({ number: 1, outcome: 'failed', error: refused })
    expect(routing).toMatchObject([{ matched: true, reason: 'subscribed to aml.*' }])

    await shell(fallBack)
    // As the example prints it, or some seconds later on a busy machine.
    const fallen = await eventually(
      async () => lastJson<RuleLog>(await shell("get /events/$EVENT | jq '{status, steps, deliveries}'")),
      (log) => log.status !== 'pending',
    )
    expect(fallen).toMatchObject({
      status: 'partial',
      steps: [{ reason: '0 of 1 delivered' }, { reason: '1 of 1 delivered' }],
      deliveries: [
        { channel: 'webhook', status: 'failed' },
        { channel: 'slack', status: 'delivered' },
      ],
    })
    expect(slack.received.map(({ path }) => path)).toEqual(['/slack'])

    const seen = lastJson<RuleLog>(await shell(escalate))
    expect(seen.acknowledgement).toMatchObject({ by: 'Ada', via: 'api' })
    expect(seen.steps).toMatchObject([
      { kind: 'deliver' },
      { kind: 'awaitAck', reason: 'acknowledged by Ada' },
    ])
    const told = await eventually(
      () => Promise.resolve(slack.received.map(({ path }) => path)),
      (paths) => paths.length > 1,
    )
    expect(told).toEqual(['/slack', '/head'])
    expect(smtp.mails).toHaveLength(2)
  },
)

it(
  'the documented receiver compiles with --strict, accepts signed requests and answers 401 to forged ones',
  { timeout: 90_000 },
  async () => {
    const [code = ''] = codeBlocks('docs/guides/receiving-webhooks.md', 'Verify the signature', 'ts')
    const folder = scratchFolder()
    const port = await closedPort()
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(join(folder, 'receiver.ts'), code.replace('8080', String(port)))
    const tsc = ['node_modules/typescript/bin/tsc', '--strict', '--noEmit', '--skipLibCheck']
    const compiler = [...tsc, '--module', 'nodenext', '--types', 'node', 'receiver.ts']
    const compiled = promisify(execFile)(process.execPath, compiler, { cwd: folder })
    expect(await compiled.catch(({ stdout }: { stdout: string }) => stdout)).toMatchObject({ stdout: '' })

    const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
    const receiver = run(join(folder, 'receiver.ts'), { PATH: '/usr/bin:/bin', WEBHOOK_SECRET: secret })
    const send = (signedWith: string) => fetch(`http://127.0.0.1:${port}/hook`, signed(signedWith))
    const answer = await eventually(
      () => send(secret).catch(() => undefined),
      (given) => given !== undefined,
    )
    expect(answer?.status).toBe(204)
    await receiver.line('evt_1 aml.match.found')
    const forged = await send(`whsec_${Buffer.alloc(24, 8).toString('base64')}`)
    expect(forged.status).toBe(401)
    const empty = await fetch(`http://127.0.0.1:${port}/hook`, { method: 'POST' })
    expect(empty.status).toBe(401)
  },
)

function signed(secret: string): RequestInit {
  const body = JSON.stringify({ type: 'aml.match.found', timestamp: new Date(), data: {} })
  const at = new Date()
  const headers = {
    'content-type': 'application/json',
    'webhook-id': 'evt_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign('evt_1', at, body),
  }
  return { method: 'POST', headers, body }
}

/** Runs commands as one terminal would, one after the other: what they set is there for the next ones. Each failure ends it. */
function openShell(folder: string, ports: ReadonlyMap<string, number>) {
  let earlier = ''
  return async (commands: string): Promise<string> => {
    const mapped = [...ports].reduce((text, [from, to]) => text.replaceAll(from, String(to)), commands)
    const script = `${earlier}\n${mapped}\ndeclare -p API KEY EVENT > state\ndeclare -f >> state`
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { cwd: folder })
    earlier = 'source state'
    return stdout
  }
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
