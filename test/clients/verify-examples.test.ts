import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { expect, it } from 'vitest'
import { makeSecret } from '../../src/domain/crypto/signing-keys.ts'
import { findWireFormat } from '../../src/domain/wire-formats/index.ts'
import { makeEvent } from '../support/event.ts'
import { isOnPath, makeFolder, root, run } from './tools.ts'

const page = readFileSync(join(root, 'docs/guides/verifying-webhooks.md'), 'utf8')

/** A language's function is in `file`. With `tail`, its program prints the result for its arguments and the body on stdin. */
interface Language {
  tools: string[]
  file: string
  tail: string
  /** By default `file` has the tail too. */
  main?: string
  compile?: string[]
  command: string[]
}

const languages: Record<string, Language> = {
  python: {
    tools: ['python3'],
    file: 'verify.py',
    tail: 'import sys\nprint(str(verify(*sys.argv[1:], sys.stdin.buffer.read())).lower())\n',
    command: ['python3', 'verify.py'],
  },
  go: {
    tools: ['go'],
    file: 'verify.go',
    main: 'main.go',
    tail: `package main
      import ("fmt"; "io"; "os")
      func main() {
        body, _ := io.ReadAll(os.Stdin)
        fmt.Println(verify(os.Args[1], os.Args[2], os.Args[3], os.Args[4], body))
      }`,
    compile: ['go', 'build', '-o', 'verify', 'verify.go', 'main.go'],
    command: ['./verify'],
  },
  java: {
    tools: ['java', 'javac'],
    file: 'Webhooks.java',
    main: 'Main.java',
    tail: `class Main {
      public static void main(String[] args) throws Exception {
        System.out.println(Webhooks.verify(args[0], args[1], args[2], args[3], System.in.readAllBytes()));
      }
    }`,
    compile: ['javac', 'Webhooks.java', 'Main.java'],
    command: ['java', 'Main'],
  },
  ruby: {
    tools: ['ruby'],
    file: 'verify.rb',
    tail: 'puts verify(*ARGV, $stdin.binmode.read)\n',
    command: ['ruby', 'verify.rb'],
  },
  php: {
    tools: ['php'],
    file: 'verify.php',
    tail: `echo json_encode(verify($argv[1], $argv[2], $argv[3], $argv[4], file_get_contents('php://stdin')));\n`,
    command: ['php', 'verify.php'],
  },
}

const [secret, other] = [makeSecret(), makeSecret()]

/** A webhook as the product signs it. */
function webhook(secrets: string[], sentAt = new Date()) {
  const event = makeEvent({ data: { name: 'Zoë' } })
  const destination = { id: 'dst_1', eventTypes: ['all'] }
  const message = findWireFormat('standard-webhooks')?.render({
    event,
    destination,
    attempt: 1,
    sentAt,
    keys: { secrets },
  })
  if (!message) throw new Error('there is no such wire format')
  return message
}
type Message = ReturnType<typeof webhook>

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000)
const cases: [what: string, message: Message, expected: boolean][] = [
  ['signed with the secret', webhook([secret]), true],
  ['signed with two secrets during a rotation', webhook([other, secret]), true],
  ['signed with another secret', webhook([other]), false],
  ['changed', { ...webhook([secret]), body: '{}' }, false],
  ['old', webhook([secret], minutesAgo(6)), false],
  ['from the future', webhook([secret], minutesAgo(-6)), false],
]

it('the cases are what the standardwebhooks package says of them', () => {
  const accepts = ({ headers, body }: Message) => {
    try {
      return Boolean(new Webhook(secret).verify(body, headers))
    } catch {
      return false
    }
  }
  expect(cases.map(([, message]) => accepts(message))).toEqual(cases.map(([, , expected]) => expected))
})

for (const [name, language] of Object.entries(languages)) {
  const { tools, file, main = file, tail, compile, command } = language
  const missing = tools.filter((tool) => !isOnPath(tool))
  const [, code = ''] = new RegExp(`\`\`\`${name}\\n([^]*?)\`\`\``).exec(page) ?? []
  if (missing.length > 0) {
    it(`there is a function in ${name}, which is not run because of missing ${missing.join(', ')}`, () => {
      expect(code).toContain('verify')
    })
    continue
  }
  it(`the documented function in ${name} accepts and refuses`, async () => {
    const folder = await makeFolder()
    await writeFile(join(folder, file), main === file ? `${code}\n${tail}` : code)
    if (main !== file) await writeFile(join(folder, main), tail)
    const [compiler, ...options] = compile ?? []
    if (compiler) await run(folder, compiler, options)
    for (const [what, message, expected] of cases)
      expect(await runWith(folder, command, message), what).toBe(String(expected))
  }, 180_000)
}

/** The program's output, without the line break. */
function runWith(
  folder: string,
  [program = '', ...options]: string[],
  { headers, body }: Message,
): Promise<string> {
  const signed = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => headers[name] ?? '')
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...options, secret, ...signed],
      { cwd: folder },
      (error, stdout, stderr) =>
        error ? reject(new Error(stderr, { cause: error })) : resolve(stdout.trim()),
    )
    child.stdin?.end(body)
  })
}
