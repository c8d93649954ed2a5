/** A problem with a field. */
export interface FieldProblem {
  /** Dotted path in the config, as in `url`. */
  path: string
  message: string
}
