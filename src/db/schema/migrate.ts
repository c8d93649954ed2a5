import { readFile, readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { withSchemaEngine } from './engine.ts'

export const migrationsFolder = fileURLToPath(new URL('../../../prisma/migrations/', import.meta.url))
export const noFilters = { externalTables: [], externalEnums: [] }

/**
 * Applies the missing migrations in `prisma/migrations` and returns their names, as `prisma migrate deploy` does, but without
 * downloading an engine. Safe to run by several processes at once. `upTo` is the last migration to apply.
 */
export async function migrate(databaseUrl: string, upTo?: string): Promise<string[]> {
  const migrationsList = await readMigrations(upTo)
  const output = await withSchemaEngine(databaseUrl, (engine) =>
    engine.applyMigrations({ migrationsList, filters: noFilters }),
  )
  return output.appliedMigrationNames
}

/** The migrations folder in the form that Prisma's schema engine reads. */
async function readMigrations(upTo?: string) {
  const entries = await readdir(migrationsFolder, { withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isDirectory() && (upTo === undefined || entry.name <= upTo))
    .map(({ name }) => name)
  const migrationDirectories = await Promise.all(
    names.sort().map(async (name) => {
      const value = await readFile(`${migrationsFolder}${name}/migration.sql`, 'utf8')
      return { path: name, migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value } } }
    }),
  )
  const content = await readFile(`${migrationsFolder}migration_lock.toml`, 'utf8')
  return {
    baseDir: migrationsFolder,
    lockfile: { path: 'migration_lock.toml', content },
    shadowDbInitScript: '',
    migrationDirectories,
  }
}
