import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { findUnsafe } from '../../support/releases/migration-safety.ts'

const folder = new URL('../../../prisma/migrations/', import.meta.url)

/** Up to here there was no release, so no version was running beside a newer one. */
const lastBeforeTheRule = '20261129063800_audit_chain_per_environment'

const names = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name > lastBeforeTheRule)
  .map(({ name }) => name)

it('every migration is safe while the version before it still runs', () => {
  const unsafe = names.flatMap((name) =>
    findUnsafe(readFileSync(new URL(`${name}/migration.sql`, folder), 'utf8')).map(
      (why) => `${name}: ${why}`,
    ),
  )
  expect(unsafe).toEqual([])
})

it.each([
  'DROP TABLE "Rule"',
  'ALTER TABLE "Rule" DROP COLUMN "name"',
  'ALTER TABLE "Rule" RENAME COLUMN "name" TO "title"',
  'ALTER TABLE "Rule" ALTER COLUMN "position" SET DATA TYPE BIGINT',
  'ALTER TABLE "Rule" ALTER COLUMN "position" SET NOT NULL',
  'ALTER TABLE "Rule" ALTER COLUMN "position" DROP NOT NULL',
  'ALTER TABLE "Rule" ADD COLUMN     "a" INTEGER NOT NULL',
  'ALTER TABLE "Rule" ADD COLUMN "a" INTEGER NOT NULL DEFAULT 0,\nADD COLUMN     "b" TEXT NOT NULL',
  'ALTER TABLE "Rule" ADD CONSTRAINT "c" CHECK ("position" > 0) NOT VALID',
  'ALTER TABLE "Rule" DROP CONSTRAINT "c"; ALTER TABLE "Rule" ADD CONSTRAINT "c" CHECK (true) NOT VALID',
  'CREATE UNIQUE INDEX "i" ON "Rule"("name")',
  'CREATE INDEX "i" ON "Rule"("name")',
  'UPDATE "Rule" SET "name" = \'a;b\'',
  '-- Safe: no.\nDROP TABLE "Rule"',
])('%s is found', (sql) => {
  expect(findUnsafe(`${sql};`)).toHaveLength(1)
})

it.each([
  'CREATE TABLE "New" ("id" TEXT NOT NULL); CREATE INDEX "i" ON "New"("id"); ALTER TABLE "New" ADD CONSTRAINT "f" FOREIGN KEY ("id") REFERENCES "Rule"("id")',
  'ALTER TABLE "Rule" ADD COLUMN "a" TEXT, ADD COLUMN "b" INTEGER NOT NULL DEFAULT 0',
  'CREATE INDEX CONCURRENTLY "i" ON "Rule"("name")',
  '-- A comment; DROP TABLE "Rule"\nALTER TABLE "Rule" DROP CONSTRAINT "c"',
  '-- Safe: no version since 0.2.0 reads or writes this column.\nALTER TABLE "Rule" DROP COLUMN "name"',
])('%s is safe', (sql) => {
  expect(findUnsafe(`${sql};`)).toEqual([])
})
