import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrationsFolder, noFilters } from '../src/db/schema/migrate.ts'
import { withSchemaEngine } from '../src/db/schema/engine.ts'
import { startPostgres } from '../src/embedded/postgres/postgres.ts'

/**
 * `npm run migration:new -- add_rules`: writes the SQL from the newest migration's schema to prisma/schema.prisma into a new
 * migration folder. Each folder keeps the resulting schema, because the WebAssembly engine cannot read one back from a database
 * through the driver (a column of type "char" in PostgreSQL's catalogue stops it). The engine still needs a server to connect to,
 * so a temporary one is started.
 */
const [name] = process.argv.slice(2)
if (!name || !/^[a-z0-9_]+$/.test(name)) throw new Error('usage: npm run migration:new -- name_of_the_change')

const schema = (content: string) => ({
  tag: 'schemaDatamodel' as const,
  files: [{ path: 'schema.prisma', content }],
})
const entries = await readdir(migrationsFolder, { withFileTypes: true })
const newest = entries
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort()
  .at(-1)

const wanted = await readFile(new URL('../prisma/schema.prisma', import.meta.url), 'utf8')
const scratch = await mkdtemp(join(tmpdir(), 'switchyard-migration-'))
const postgres = await startPostgres({
  dataDir: join(scratch, 'postgres'),
  durable: false,
  progress: () => undefined,
})
const { stdout } = await withSchemaEngine(
  postgres.url,
  async (engine) =>
    engine.diff({
      from: newest
        ? schema(await readFile(join(migrationsFolder, newest, 'schema.prisma'), 'utf8'))
        : { tag: 'empty' },
      to: schema(wanted),
      script: true,
      exitCode: null,
      filters: noFilters,
    }),
  wanted,
)
await postgres.stop()
await rm(scratch, { recursive: true, force: true })
if (!stdout || stdout.includes('This is an empty migration')) {
  console.log('The schema has not changed since the newest migration.')
} else {
  const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14)
  const folder = join(migrationsFolder, `${stamp}_${name}`)
  await mkdir(folder)
  await writeFile(join(folder, 'migration.sql'), stdout)
  await writeFile(join(folder, 'schema.prisma'), wanted)
  console.log(`Wrote ${stamp}_${name}/migration.sql: read it before you commit it.`)
}
