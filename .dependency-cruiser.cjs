/** Rules of imports, types counted. ESLint has those between the folders of src (`eslint.config.js`). */
const resources = [
  ...['audit', 'codec', 'compat', 'configuration', 'destinations', 'event-types', 'events', 'keys', 'links'],
  ...['recipients', 'replays', 'rules', 'stats', 'templates', 'tenants'],
].join('|')

/** What a resource offers to others: how it is written and read, and what it tells of. Never its routes. */
const offered = 'store|fields|view|sample|log|news|asking|acknowledge|replay-event|writer'

module.exports = {
  forbidden: [
    {
      name: 'no-cycle',
      comment: 'Types that two files share stand in a third one.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-resource-in-http-and-auth',
      comment: 'What every resource needs knows none of them.',
      severity: 'error',
      from: { path: '^src/api/(http|auth|fields)/' },
      to: { path: `^src/api/(${resources})/` },
    },
    {
      name: 'resources-by-store-and-fields',
      comment:
        'A resource imports another one through what it offers for that: its store, its fields, its types.',
      severity: 'error',
      from: { path: '^src/api/([^/]+)/', pathNot: '^src/api/(http|auth|fields|compat|configuration)/' },
      to: { path: `^src/api/(${resources})/`, pathNot: ['^src/api/$1/', `/(${offered})\\.ts$`] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^src/db/generated/' },
  },
}
