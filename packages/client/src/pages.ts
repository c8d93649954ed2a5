/** One page of a list. `nextCursor` is null on the last page; lists that come whole have none. */
export interface Page<Item> {
  data: readonly Item[]
  nextCursor?: string | null
}

/** A list. Iterate over it to get every item: pages are requested as they are needed. */
export class Pages<Item, One extends Page<Item>> implements AsyncIterable<Item> {
  readonly #request: (cursor?: string) => Promise<One>

  constructor(request: (cursor?: string) => Promise<One>) {
    this.#request = request
  }

  /** Requests one page: the first, or the one at the query's `cursor`. */
  page(): Promise<One> {
    return this.#request()
  }

  async *pages(): AsyncGenerator<One, void, undefined> {
    let cursor: string | undefined
    do {
      const page = await this.#request(cursor)
      yield page
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for await (const { data } of this.pages()) yield* data
  }
}
