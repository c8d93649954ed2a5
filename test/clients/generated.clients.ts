import { writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { startReceiver } from '../support/servers/receiver.ts'
import { startSender } from '../support/sender.ts'
import { adminKey, makeTenant, ofFile, startStack } from '../support/stack.ts'
import { isOnPath, makeFolder, root, run, spec, versions } from './tools.ts'

const stack = ofFile(() => startStack({ egressAllow: ['127.0.0.0/8', 'localhost'] }))
const sender = ofFile(() => startSender(stack.app))
const receiver = ofFile(() => startReceiver())

let env: { BASE_URL: string; API_KEY: string; RECEIVER_URL: string }
beforeAll(async () => {
  const { key } = await makeTenant(stack)
  env = { BASE_URL: sender.origin, API_KEY: key, RECEIVER_URL: receiver.url }
})

/** Tests of a generator whose tools are missing are skipped, and their names say which. */
const needing = (...tools: string[]) => {
  const missing = tools.filter((tool) => !isOnPath(tool))
  return {
    test: it.skipIf(missing.length > 0),
    why: missing.length > 0 ? ` (missing: ${missing.join(', ')})` : '',
  }
}
const npm = needing('npm')
const go = needing('go')
const python = needing('python3')
const java = needing('java', 'javac', 'mvn')
const javaAndPython = needing('java', 'mvn', 'python3')

/** Otherwise the generated Java sends empty arrays for those that are not set. */
const nullContainers = ['--additional-properties', 'containerDefaultToNull=true']

describe('a client that is generated from openapi.json compiles, creates a destination, sends an event and reads its log', () => {
  npm.test(`openapi-typescript${npm.why}`, async () => {
    const folder = await makeFolder('openapi-typescript.ts')
    await installNpm(
      folder,
      `openapi-typescript@${versions.openapiTypescript}`,
      `openapi-fetch@${versions.openapiFetch}`,
    )
    await run(folder, 'npx', ['openapi-typescript', spec, '-o', 'generated/api.d.ts'])
    await runTypeScript(folder, 'openapi-typescript.ts')
  })

  npm.test(`@hey-api/openapi-ts${npm.why}`, async () => {
    const folder = await makeFolder('hey-api.ts')
    await installNpm(folder, `@hey-api/openapi-ts@${versions.heyApi}`)
    await run(folder, 'npx', ['openapi-ts', '-i', spec, '-o', 'generated', '-c', '@hey-api/client-fetch'])
    await runTypeScript(folder, 'hey-api.ts')
  })

  go.test(`oapi-codegen${go.why}`, async () => {
    const folder = await makeFolder('oapi-codegen.go', 'main.go')
    const tool = `github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@${versions.oapiCodegen}`
    await run(folder, 'go', ['mod', 'init', 'example.com/client'])
    await run(folder, 'go', [
      'run',
      tool,
      '-generate',
      'types,client',
      '-package',
      'main',
      '-o',
      'client.gen.go',
      spec,
    ])
    await run(folder, 'go', ['mod', 'tidy'])
    expect(await run(folder, 'go', ['run', '.'], env)).toContain('delivered')
  })

  python.test(`openapi-python-client${python.why}`, async () => {
    const folder = await makeFolder('openapi-python-client.py')
    const { bin, path } = await makeVenv(folder, `openapi-python-client==${versions.openapiPythonClient}`)
    await run(
      folder,
      join(bin, 'openapi-python-client'),
      ['generate', '--path', spec, '--output-path', 'generated'],
      path,
    )
    await run(folder, join(bin, 'pip'), ['install', '--quiet', './generated'])
    expect(await run(folder, join(bin, 'python'), ['openapi-python-client.py'], env)).toContain('delivered')
  })

  javaAndPython.test(`openapi-generator for Python${javaAndPython.why}`, async () => {
    const folder = await makeFolder('openapi-generator.py')
    await openapiGenerator(folder, ['-g', 'python', '-o', 'generated'])
    const { bin } = await makeVenv(folder, './generated')
    expect(await run(folder, join(bin, 'python'), ['openapi-generator.py'], env)).toContain('delivered')
  })

  java.test(`openapi-generator for Java${java.why}`, async () => {
    const folder = await makeFolder('RoundTrip.java')
    await openapiGenerator(folder, [
      '-g',
      'java',
      '--library',
      'native',
      ...nullContainers,
      '-o',
      'generated',
    ])
    const maven = (...args: string[]) =>
      run(join(folder, 'generated'), 'mvn', [
        '-q',
        '-DskipTests',
        ...args,
        'compile',
        'dependency:build-classpath',
      ])
    await maven(`-Dmdep.outputFile=${join(folder, 'classpath')}`)
    const classes = `.${delimiter}generated/target/classes${delimiter}$(cat classpath)`
    await run(folder, 'sh', ['-c', `javac -cp "${classes}" RoundTrip.java`])
    const output = await run(folder, 'sh', ['-c', `java -cp "${classes}" RoundTrip`], env)
    expect(output).toContain('delivered')
  })
})

python.test(`schemathesis finds no response with a 5xx${python.why}`, async () => {
  const folder = await makeFolder()
  const { bin } = await makeVenv(folder, `schemathesis==${versions.schemathesis}`)
  for (const key of [env.API_KEY, adminKey])
    await run(folder, join(bin, 'schemathesis'), [
      ...['run', spec, '--url', env.BASE_URL, '--header', `Authorization: Bearer ${key}`],
      ...[
        '--checks',
        'not_a_server_error',
        '--max-examples',
        '20',
        '--workers',
        '2',
        '--phases',
        'examples,fuzzing',
      ],
      // Its receivers do not exist, and a test answers 502 if its receiver does not accept it.
      ...['--exclude-operation-id', 'testWebhook'],
    ])
})

async function installNpm(folder: string, ...packages: string[]): Promise<void> {
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  await run(folder, 'npm', ['install', '--no-audit', '--no-fund', ...packages])
}

/** Type-checks the program with the generated client, and runs it. */
async function runTypeScript(folder: string, program: string): Promise<void> {
  const options = ['--strict', '--noEmit', '--skipLibCheck', '--target', 'es2022', '--module', 'esnext']
  const paths = [
    '--moduleResolution',
    'bundler',
    '--typeRoots',
    join(root, 'node_modules/@types'),
    '--types',
    'node',
  ]
  await run(folder, process.execPath, [
    join(root, 'node_modules/typescript/lib/tsc.js'),
    ...options,
    ...paths,
    program,
  ])
  const tsx = join(root, 'node_modules/tsx/dist/loader.mjs')
  expect(await run(folder, process.execPath, ['--import', tsx, program], env)).toContain('delivered')
}

async function makeVenv(folder: string, ...packages: string[]) {
  await run(folder, 'python3', ['-m', 'venv', 'venv'])
  const bin = join(folder, 'venv/bin')
  await run(folder, join(bin, 'pip'), ['install', '--quiet', ...packages])
  return { bin, path: { PATH: `${bin}${delimiter}${process.env.PATH}` } }
}

/** Downloads the generator through Maven, so that it is kept in Maven's own cache. */
async function openapiGenerator(folder: string, args: string[]): Promise<void> {
  const { openapiGenerator: version } = versions
  const artifact = `org.openapitools:openapi-generator-cli:${version}`
  await run(folder, 'mvn', ['-q', 'dependency:get', `-Dartifact=${artifact}`, '-Dtransitive=false'])
  const jar = join(
    homedir(),
    '.m2/repository/org/openapitools/openapi-generator-cli',
    version,
    `openapi-generator-cli-${version}.jar`,
  )
  await run(folder, 'java', ['-jar', jar, 'generate', '-i', spec, ...args])
}
