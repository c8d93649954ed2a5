import { writeFileSync } from 'node:fs'
import { routes } from '../src/api/app.ts'
import { openApi } from '../src/api/openapi/document.ts'

/** `npm run openapi` writes openapi.json, which `/openapi.json` serves. A test compares the two. */
writeFileSync(new URL('../openapi.json', import.meta.url), `${JSON.stringify(openApi(routes), null, 2)}\n`)
