/**
 * Detects the parser's errors for a body that is too long, incomplete, in an unknown encoding or impossible to decompress; the last
 * has no `type`. Source: body-parser's README, "Errors", and http-errors, which marks the caller's faults with `expose`.
 */
export function isFormFault(error: unknown): error is Error & { status: number } {
  const { expose, status } = error as { expose?: unknown; status?: unknown }
  return error instanceof Error && expose === true && typeof status === 'number' && status < 500
}
