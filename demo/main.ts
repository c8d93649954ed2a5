import { runDemo } from './run.ts'
import { openScreen } from './screen.ts'
import { DemoError, readSettings } from './settings.ts'

/** `npm run demo`, beside a running `npm start`. Exit code 0 only if everything arrived as expected. */
try {
  const settings = readSettings(process.argv.slice(2), process.env)
  process.exitCode = (await runDemo(settings, openScreen(process.stdout, process.env.NO_COLOR))) ? 0 : 1
} catch (error) {
  console.error(error instanceof DemoError ? error.message : error)
  process.exitCode = 1
}
