import { writeFileSync } from 'node:fs'
import { findChanged, hashFrozenFiles, manifestPath, readManifest } from './frozen.ts'

/** `npm run freeze`: lists new migrations and histories in test/frozen.json. It refuses to list a changed file. */
const manifest = readManifest()
const files = hashFrozenFiles()
const changed = findChanged(manifest, files)
if (changed.length > 0) throw new Error(changed.join('\n'))
const added = Object.keys(files).filter((path) => !(path in manifest))
writeFileSync(manifestPath, `${JSON.stringify(files, undefined, 2)}\n`)
console.log(added.length > 0 ? `listed:\n${added.join('\n')}` : 'there is nothing new')
