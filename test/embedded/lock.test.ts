import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lockDataFolder } from '../../src/embedded/lock.ts'
import { killHard, runAside, scratchFolder } from './scratch.ts'

const holdLock = (folder: string) => `
  import { lockDataFolder } from '../../src/embedded/lock.ts'
  lockDataFolder('${folder}')
  console.log('{}')
  setInterval(() => {}, 1000)
`

test('a second run on the same data folder is refused until the first has ended', async () => {
  const folder = scratchFolder()
  const { child } = await runAside(holdLock(folder))
  expect(() => lockDataFolder(folder)).toThrow(
    `another \`npm start\` (pid ${child.pid}) is using ${folder}: stop it first, or set DATA_DIR to another folder`,
  )
  await killHard(child)
  lockDataFolder(folder).release()
})

test('a released lock leaves no file', () => {
  const folder = join(scratchFolder(), 'made', 'when', 'missing')
  const lock = lockDataFolder(folder)
  expect(existsSync(join(folder, 'switchyard.pid'))).toBe(true)
  lock.release()
  expect(existsSync(join(folder, 'switchyard.pid'))).toBe(false)
})

test('a file whose pid now belongs to another program is replaced', () => {
  const folder = scratchFolder()
  writeFileSync(join(folder, 'switchyard.pid'), `${process.ppid}\n1 node src/main.ts\n`)
  const lock = lockDataFolder(folder)
  expect(readFileSync(join(folder, 'switchyard.pid'), 'utf8')).toMatch(new RegExp(`^${process.pid}\n`))
  lock.release()
})

test('releasing takes away nothing but its own lock', () => {
  const folder = scratchFolder()
  const lock = lockDataFolder(folder)
  writeFileSync(join(folder, 'switchyard.pid'), 'of another run')
  lock.release()
  expect(existsSync(join(folder, 'switchyard.pid'))).toBe(true)
})
