import { defineConfig } from 'prisma/config'

/** Read by the Prisma CLI only (`npm run generate`). Migrations are applied by src/db/schema/migrate.ts, which needs no CLI. */
export default defineConfig({ schema: 'prisma/schema.prisma', migrations: { path: 'prisma/migrations' } })
