/** The fields of an object, with those that may be undefined made optional. */
type DefinedOnly<Fields> = {
  [Name in keyof Fields as undefined extends Fields[Name] ? never : Name]: Fields[Name]
} & {
  [Name in keyof Fields as undefined extends Fields[Name] ? Name : never]?: Exclude<Fields[Name], undefined>
}

/** Copies an object without the fields that are undefined. `null`, `false`, 0 and '' are kept, and so is the order. */
export function definedOnly<Fields extends object>(fields: Fields): DefinedOnly<Fields> {
  const defined = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(defined) as DefinedOnly<Fields>
}
