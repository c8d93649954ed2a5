import { readConfig, requireVariables } from '../config.ts'
import { migrateDatabase } from '../database.ts'
import { powerOverAudit } from '../db/schema/grants.ts'
import { runRoot } from '../lifecycle.ts'

/**
 * `npm run db:migrate`: applies the missing migrations to a production database as the role of `MIGRATE_DATABASE_URL`, and grants
 * the role of `DATABASE_URL` access to the tables. `npm start` does the same automatically.
 */
await runRoot(async () => {
  const { DATABASE_URL, MIGRATE_DATABASE_URL } = requireVariables(readConfig(), ['DATABASE_URL'])
  const applied = await migrateDatabase(DATABASE_URL, MIGRATE_DATABASE_URL)
  console.log(applied.length > 0 ? `Applied: ${applied.join(', ')}` : 'The database is up to date.')
  const why = await powerOverAudit(DATABASE_URL)
  if (why !== undefined)
    console.log(
      `The application could remove the protection of the audit log from changes, because ${why}: see docs/operations/audit.md, "Database roles".`,
    )
  process.exit(0)
})
