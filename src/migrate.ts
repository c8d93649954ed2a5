import { migrateDatabase } from './compose.ts'
import { readConfig, requireVariables } from './config.ts'
import { runRoot } from './lifecycle.ts'

/** `npm run db:migrate`: applies the migrations that a production database lacks. `npm start` does so by itself. */
await runRoot(async () => {
  const { DATABASE_URL } = requireVariables(readConfig(), ['DATABASE_URL'])
  const applied = await migrateDatabase(DATABASE_URL)
  console.log(applied.length > 0 ? `Applied: ${applied.join(', ')}` : 'The database has every migration.')
  process.exit(0)
})
