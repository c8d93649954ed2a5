import { routes } from '../../../src/api/app.ts'
import type { Route } from '../../../src/api/http/route.ts'

/** A route by its method and whole path, as in `GET /api/v1/events/:id`. */
export interface NamedRoute {
  name: string
  base: string
  route: Route
}

export const routeTable: readonly NamedRoute[] = Object.entries(routes).flatMap(([base, list]) =>
  list.map((route) => ({ name: `${route.method.toUpperCase()} ${base}${route.path}`, base, route })),
)

const byName = new Map(routeTable.map((one) => [one.name, one.route]))

function routeNamed(name: string): Route {
  const route = byName.get(name)
  if (!route) throw new Error(`there is no route ${name} in the table of src/api/app.ts`)
  return route
}

/** Whether it is the platform key that it wants. */
export function isPlatforms(name: string): boolean {
  return routeNamed(name).access === 'platform'
}
