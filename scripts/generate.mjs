import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'

// Writes the Prisma client into src/db/generated, on every `npm install`. Prisma's CLI asks for a native schema engine
// and would download one; generating needs none, so it is shown a program that is certainly there.
const cli = createRequire(import.meta.url).resolve('prisma/build/index.js')
const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1' }
const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'generate'], { env, encoding: 'utf8' })
if (status !== 0) {
  console.error(
    `${stdout}${stderr}\nThe Prisma client could not be generated; run \`npm run generate\` to try again.`,
  )
  process.exit(1)
}
