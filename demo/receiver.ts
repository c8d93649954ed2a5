import { createServer } from 'node:http'

/** `npm run receiver -- 8081`: answers 200 to whatever comes in on this machine's port, and prints it. Ctrl-C ends it. */
const port = Number(process.argv[2])
if (!Number.isInteger(port) || port < 1 || port > 65_535) {
  console.error('usage: npm run receiver -- 8081')
  process.exit(2)
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString()
    console.log(`${new Date().toISOString()}  ${request.method} ${request.url}\n${pretty(body)}\n`)
    response.end('ok')
  })
})
server.on('error', (error) => {
  console.error(`cannot listen on port ${port}: ${error.message}`)
  process.exitCode = 1
})
server.listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${port}`))

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    return body
  }
}
