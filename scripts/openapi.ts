import { writeFileSync } from 'node:fs'
import { routes } from '../src/api/app.ts'
import { openApi } from '../src/api/openapi/document.ts'
import { renderClientFiles } from './client-files.ts'

/**
 * `npm run openapi` writes openapi.json, which `/openapi.json` serves, and the files of packages/client that are generated from it.
 * Tests compare them.
 */
const document = `${JSON.stringify(openApi(routes), null, 2)}\n`
writeFileSync(new URL('../openapi.json', import.meta.url), document)
for (const [name, text] of Object.entries(await renderClientFiles(document)))
  writeFileSync(new URL(`../packages/client/src/generated/${name}`, import.meta.url), text)
