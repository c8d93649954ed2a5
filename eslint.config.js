import importX from 'eslint-plugin-import-x'
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript'
import tseslint from 'typescript-eslint'

/** The direction of dependencies: a folder may import only what stands beside it here (and itself). */
const shared = [
  'domain',
  'channels',
  'compute',
  'db',
  'egress',
  'templates',
  'archive',
  'temporal',
  'workflows/contract',
  'metrics',
]
const mayImport = {
  domain: [],
  archive: ['domain'],
  db: ['domain'],
  egress: ['domain'],
  templates: ['domain'],
  channels: ['domain', 'egress', 'templates'],
  workflows: ['domain', 'activities'], // activities as types only: see the workflow rules below
  metrics: ['domain'],
  temporal: ['domain', 'workflows/contract', 'metrics'],
  compute: ['domain', 'channels', 'templates'],
  activities: shared,
  api: shared,
  embedded: [],
}
const zones = Object.entries(mayImport).map(([folder, others]) => ({
  target: `./src/${folder}`,
  from: './src',
  except: [folder, ...others, ...(folder === 'domain' ? [] : ['log.ts'])].map((name) => `./${name}`),
  message: `src/${folder} may import only from itself${others.length ? ` and ${others.join(', ')}` : ''}.`,
}))

export default tseslint.config(
  {
    ignores: [
      'node_modules',
      '.data',
      'src/db/generated',
      'coverage',
      'test/clients/programs',
      'packages/client/dist',
      'packages/client/src/generated',
      '**/*.js',
      '**/*.mjs',
      '**/*.cjs',
    ],
  },
  tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'import-x/no-cycle': 'error',
      'import-x/no-default-export': 'error',
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'src/config.ts is the only reader of process.env.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'Use a union of strings.' },
        { selector: 'ExportAllDeclaration', message: 'Name what is exported.' },
      ],
    },
  },
  {
    files: ['src/workflows/**'],
    rules: {
      complexity: ['error', 12],
      'max-lines-per-function': ['error', { max: 60, skipComments: true }],
      // What a workflow file pulls in runs inside the deterministic sandbox: the SDK, pure domain code, and types.
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^(?!@temporalio/(workflow|common)$|\\.\\.?/)',
              message: 'Workflows import @temporalio/workflow and our own pure code only.',
            },
            {
              regex: '^(\\.\\./)+activities/',
              allowTypeImports: true,
              message: 'Activities are seen as types only.',
            },
          ],
        },
      ],
      'no-restricted-globals': [
        'error',
        'process',
        'Buffer',
        'fetch',
        'setInterval',
        'setImmediate',
        'require',
      ],
    },
  },
  {
    files: ['src/domain/**'],
    rules: {
      'no-restricted-globals': ['error', 'process', 'fetch', 'setTimeout', 'setInterval'],
    },
  },
  {
    files: ['src/config.ts', 'test/**', 'bench/**', 'demo/**', 'scripts/**'],
    rules: { 'no-restricted-properties': 'off' },
  },
  // What a supertest answer holds is `any`; the assertions say what it should be.
  { files: ['test/**'], rules: { '@typescript-eslint/no-unsafe-assignment': 'off' } },
  {
    files: ['**/*.config.ts', 'test/support/run/services.ts'],
    rules: { 'import-x/no-default-export': 'off' },
  },
)
