import type { Express } from 'express'

/** As Express 5 keeps it: a route, or something that is mounted at a path and may be a router with layers of its own. */
interface Layer {
  route?: { path: string | string[]; methods: Record<string, boolean> }
  handle: { stack?: Layer[] }
  rawPath?: unknown
}

/**
 * Every route that the app answers, as `GET /healthz`, however it was mounted; what is mounted at a path and takes every method
 * (files of a folder) as `USE /docs`. What stands before all paths answers nothing by itself and is left out.
 */
export function mountedRoutes(app: Express): string[] {
  return [...new Set(namesOf(app.router.stack as unknown as Layer[], ''))]
}

function namesOf(stack: readonly Layer[], base: string): string[] {
  return stack.flatMap(({ route, handle, rawPath }) => {
    if (route) {
      const methods = Object.keys(route.methods).map((method) => method.toUpperCase())
      return [route.path].flat().flatMap((path) => methods.map((method) => `${method} ${base}${path}`))
    }
    if (typeof rawPath !== 'string')
      throw new Error(
        'Express does not say where a layer is mounted: mend test/support/routes/mounted-routes.ts',
      )
    const path = `${base}${rawPath === '/' ? '' : rawPath}`
    if (handle.stack) return namesOf(handle.stack, path)
    return rawPath === '/' ? [] : [`USE ${path}`]
  })
}
