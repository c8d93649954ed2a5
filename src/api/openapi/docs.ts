import express, { type Router } from 'express'
import { getAbsoluteFSPath } from 'swagger-ui-dist'
import { docsHeaders } from '../http/hardening.ts'
import { openApi } from './document.ts'
import type { RouteTable } from '../http/route.ts'

/**
 * Serves `/openapi.json`, and at `/docs` a page to browse and try the API. All files come from this host: nothing inline, no CDN.
 */
export function docsRouter(routes: RouteTable): Router {
  const document = openApi(routes)
  const router = express.Router()
  router.get('/openapi.json', (_request, response) => void response.json(document))
  router.use('/docs', docsHeaders)
  router.get(
    '/docs/swagger-initializer.js',
    (_request, response) => void response.type('js').send(initializer),
  )
  // The package holds several builds with their source maps. Only the files that the page uses are served.
  router.get(/^\/docs\/(.+)/, (request, _response, next) => {
    next(files.some((name) => name === request.params[0]) ? undefined : 'router')
  })
  router.use('/docs', express.static(getAbsoluteFSPath()))
  return router
}

const files = [
  'index.html',
  'index.css',
  'swagger-ui.css',
  'swagger-ui-bundle.js',
  'swagger-ui-standalone-preset.js',
  'favicon-16x16.png',
  'favicon-32x32.png',
]

/** Replaces the package's file of the same name, which shows the Petstore. */
const initializer = `window.onload = () => {
  window.ui = SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true })
}`
