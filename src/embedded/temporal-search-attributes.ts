import { type Connection } from '@temporalio/client'
import proto from '@temporalio/proto'

const { IndexedValueType } = proto.temporal.api.enums.v1
const valueTypes = {
  Text: IndexedValueType.INDEXED_VALUE_TYPE_TEXT,
  Keyword: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  Int: IndexedValueType.INDEXED_VALUE_TYPE_INT,
  Double: IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
  Bool: IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
  Datetime: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
  KeywordList: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
}

/** By name. */
export type SearchAttributes = Record<string, keyof typeof valueTypes>

/**
 * Adds what the namespace lacks. The server's own --search-attribute flag does so only for a namespace that it has just
 * created, so an attribute of a newer version of ours would be missing beside older data.
 */
export async function registerSearchAttributes(
  connection: Connection,
  namespace: string,
  wanted: SearchAttributes,
): Promise<void> {
  const searchAttributes = Object.fromEntries(
    Object.entries(wanted).map(([name, type]) => [name, valueTypes[type]]),
  )
  if (Object.keys(searchAttributes).length === 0) return // The server calls an empty request invalid.
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes })
  // Adding one that exists with another type changes nothing and is no error.
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace })
  for (const [name, type] of Object.entries(searchAttributes)) {
    if (customAttributes[name] !== type) {
      throw new Error(`the search attribute ${name} exists with another type than ${wanted[name]}`)
    }
  }
}
