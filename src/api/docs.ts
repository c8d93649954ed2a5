import express, { type Router } from 'express'
import { getAbsoluteFSPath } from 'swagger-ui-dist'
import { openApi } from './openapi.ts'
import type { RouteTable } from './route.ts'

/** `/openapi.json`, and at `/docs` a page to browse and try it, served from here: no CDN. */
export function docsRouter(routes: RouteTable): Router {
  const document = openApi(routes)
  const router = express.Router()
  router.get('/openapi.json', (_request, response) => void response.json(document))
  router.get(
    '/docs/swagger-initializer.js',
    (_request, response) => void response.type('js').send(initializer),
  )
  router.use('/docs', express.static(getAbsoluteFSPath()))
  return router
}

/** Stands in for the file of the same name in the package, which shows the Petstore. */
const initializer = `window.onload = () => {
  window.ui = SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, persistAuthorization: true })
}`
