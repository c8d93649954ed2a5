import fc from 'fast-check'

// Payloads are made as JSON text, not as values: only text can say -0.

const curiousTexts = [
  '', ' ', '__proto__', 'constructor', 'prototype', 'toString', 'toJSON', 'then', 'hasOwnProperty', '0', '-1', 'a.b',
  '$where', '{{data}}', '</script>', '\u0000', '\u001F\u007F', '\u2028\u2029', '\uFEFF', '\uFFFD', '"\\/\b\f\n\r\t', '\uD83D', '\uDE00\uD83D',
  'Zoë Ångström', 'e\u0301 is not é', '王小明', 'مرحبا', '🕵️‍♀️', '👩‍👩‍👧‍👦', '🇳🇴', '𐍈',
] // prettier-ignore

/** Half surrogates included: JSON carries them as escapes. */
const utf16 = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
  .map((units) => String.fromCharCode(...units))
const text = fc.oneof(
  fc.constantFrom(...curiousTexts),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  utf16,
)

const curiousNumbers = [
  '0', '-0', '-0.0', '1e21', '1E+21', '1e-7', '0.1', '0.30000000000000004', '5e-324', '-5e-324', '1.7976931348623157e308',
  '9007199254740991', '9007199254740992', '-9007199254740992', '4.35', '100000000000000000000', '123456789012345680000',
] // prettier-ignore
const numberText = fc.oneof(
  fc.constantFrom(...curiousNumbers),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
)

/** Those of the curious texts that change prototypes are refused as names (test/api/http/hardening.test.ts); as values they are texts. */
const name = text.filter((one) => one !== '__proto__' && one !== 'prototype')

const { object } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, depthSize: 'small' },
    fc.constantFrom('null', 'true', 'false', '[]', '{}', '[[]]', '{"":{}}'),
    numberText,
    text.map((string) => JSON.stringify(string)),
    fc.array(tie('value'), { maxLength: 6 }).map((items) => `[${items.join(',')}]`),
    tie('object'),
  ),
  object: fc
    .uniqueArray(fc.tuple(name, tie('value')), { selector: ([key]) => key, minLength: 1, maxLength: 6 })
    .map((entries) => `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${item}`).join(',')}}`),
}))

const spelledOut = [
  '{}',
  '{"prototype":{"polluted":true},"constructor":{"name":"polluted"},"":"","toString":null}',
  `{"numbers":[${curiousNumbers.join(',')}]}`,
  `{"texts":${JSON.stringify(curiousTexts)}}`,
  '{ "spaced" : [ 1 , 2 ] ,\n\t"escaped" : "\\u00e9\\ud83d\\ude00\\/\\u0041" }',
  `{"deep":${'['.repeat(60)}${']'.repeat(60)}}`,
]

const large = [
  `{"text":${JSON.stringify('ä€😀'.repeat(23_000))}}`,
  `{"matches":[${Array.from({ length: 3_600 }, (_, index) => `{"id":${index},"name":"Zoë \\ud83d\\udd75","score":0.1,"lists":[]}`).join(',')}]}`,
]

/** So many JSON objects as text: those that are spelled out, two of more than 200 KiB, and random ones. */
export function samplePayloads(count: number, seed: number): string[] {
  const random = fc.sample(object, { seed, numRuns: count - spelledOut.length - large.length })
  return [...spelledOut, ...random, ...large]
}
