/** Groups of operations, in the order of the documentation. An operation belongs to the first group whose paths match. */
interface Tag {
  name: string
  description: string
  paths: RegExp
}

const groups = {
  'Events and deliveries': [
    {
      name: 'Events',
      description: 'Send events and read their delivery logs.',
      paths: /^\/(events|erasures)\b/,
    },
    { name: 'Deliveries', description: 'Find deliveries across events.', paths: /^\/deliveries/ },
    { name: 'Replays', description: 'Run many events again.', paths: /^\/replays/ },
  ],
  Configuration: [
    {
      name: 'Destinations',
      description: 'Where events go: webhooks, email, Slack and Microsoft Teams.',
      paths: /^\/(destinations|tenants\/:id\/destinations)\b/,
    },
    { name: 'Rules', description: 'Who is told, when, and what follows.', paths: /^\/rules/ },
    { name: 'Templates', description: 'Liquid templates of messages.', paths: /^\/templates/ },
    { name: 'Event types', description: 'Types with schemas and samples.', paths: /^\/event-types/ },
    { name: 'Configuration', description: 'All of it as one document.', paths: /^\/configuration/ },
  ],
  Access: [
    { name: 'Keys', description: 'API keys and secrets.', paths: /keys|\/api-secret\// },
    { name: 'Audit log', description: 'Who changed what, in a hash chain.', paths: /\/audit/ },
    { name: 'Tenants', description: 'Tenants of the platform.', paths: /^\/tenant(s|-deletions)\b/ },
  ],
  'Adopted contracts': [
    { name: 'Webhooks API', description: 'Webhooks of one event type each.', paths: /^\/webhooks\// },
    { name: 'Tenant settings', description: 'Settings of KYC-Webhooks.', paths: /^\/tenant\/settings/ },
    { name: 'Webhook history', description: 'History of Dataspike.', paths: /^\/webhook\/history/ },
  ],
} satisfies Record<string, Tag[]>

const all: readonly Tag[] = Object.values(groups).flat()

/** The group of the requests that receivers get. */
export const webhookTag = {
  name: 'Webhooks',
  description: 'The requests that Switchyard sends to webhook destinations.',
}

export const tags = all.map(({ name, description }) => ({ name, description }))

/** Redoc and Scalar show tags in these groups. */
export const tagGroups = [
  ...Object.entries(groups).map(([name, list]) => ({ name, tags: list.map((tag) => tag.name) })),
  { name: 'What receivers get', tags: [webhookTag.name] },
]

/** `path` is a route's path in Express's form. */
export function findTag(path: string): string {
  const tag = all.find(({ paths }) => paths.test(path))
  if (!tag) throw new Error(`No tag in src/api/openapi/tags.ts has paths for ${path}.`)
  return tag.name
}
