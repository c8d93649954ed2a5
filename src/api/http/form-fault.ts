/**
 * What the parser throws at a body that is too long, broken off, in an unknown encoding or not to be unpacked: the last has no
 * `type`. Source: body-parser's README, "Errors", and http-errors, which marks what is the caller's fault by `expose`.
 */
export function isFormFault(error: unknown): error is Error & { status: number } {
  const { expose, status } = error as { expose?: unknown; status?: unknown }
  return error instanceof Error && expose === true && typeof status === 'number' && status < 500
}
