import express, { type Router } from 'express'
// The package's main module would load all of Swagger UI.
import getAbsoluteFSPath from 'swagger-ui-dist/absolute-path.js'
import { docsHeaders } from '../http/hardening.ts'
import type { RouteTable } from '../http/route.ts'
import { openApi } from './document.ts'

/**
 * Serves `/openapi.json`, and at `/docs` a page to browse and try the API. All files come from this host: nothing inline, no CDN.
 * Swagger UI is used because it works under that policy; Scalar needs inline styles and calls a service of its vendor.
 */
export function docsRouter(routes: RouteTable): Router {
  // Derived on request: it takes half a second, which a start can do without.
  let document: object | undefined
  const router = express.Router()
  router.get('/openapi.json', (_request, response) => void response.json((document ??= openApi(routes))))
  router.use('/docs', docsHeaders)
  router.get(/^\/docs\/(.*)/, (request, response, next) => {
    const name = request.params[0] ?? ''
    const own = ownFiles.get(name)
    if (own) return void response.type(own.type).send(own.text)
    // The package holds several builds with their source maps. Only the files that the page uses are served.
    next(packageFiles.includes(name) ? undefined : 'router')
  })
  router.use('/docs', express.static(getAbsoluteFSPath(), { index: false }))
  return router
}

const packageFiles = ['swagger-ui.css', 'swagger-ui-bundle.js']

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Switchyard API</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="swagger-ui.css">
    <link rel="stylesheet" href="page.css">
  </head>
  <body>
    <main id="swagger-ui"></main>
    <script src="swagger-ui-bundle.js"></script>
    <script src="page.js"></script>
  </body>
</html>
`

const script = `window.ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  docExpansion: 'none',
  defaultModelsExpandDepth: 0,
  filter: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
})
`

/** Long paths and tables must not make the page wider than a phone. */
const style = `body { margin: 0; }
@media (max-width: 640px) {
  .swagger-ui .wrapper { padding: 0 8px; }
  .swagger-ui .opblock .opblock-summary, .swagger-ui .opblock-summary-control { flex-wrap: wrap; }
  .swagger-ui .opblock .opblock-summary-path { max-width: 100%; overflow-wrap: anywhere; }
  .swagger-ui .opblock-tag { flex-wrap: wrap; }
  .swagger-ui .opblock-tag small { flex-basis: 100%; order: 1; padding: 0; }
  .swagger-ui .filter .operation-filter-input { width: 100%; box-sizing: border-box; }
  .swagger-ui .opblock-body { overflow-x: auto; }
  .swagger-ui .response-col_links { display: none; }
  .swagger-ui .scheme-container .schemes { flex-wrap: wrap; gap: 8px; }
}
`

/** A map, because a request may name what every object inherits, such as `toString`. */
const ownFiles = new Map([
  ['', { type: 'html', text: page }],
  ['page.js', { type: 'js', text: script }],
  ['page.css', { type: 'css', text: style }],
])
