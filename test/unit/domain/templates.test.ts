import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { defaultTemplateFor, type TemplateDefault } from '../../../src/domain/templates.ts'
import { channels, findChannel } from '../../../src/channels/index.ts'
import { parseParts, renderParts, templateScope } from '../../../src/templates/content.ts'
import { mrkdwnEscaping } from '../../../src/channels/slack/escaping.ts'
import { htmlEscaping } from '../../../src/templates/escaping.ts'
import { templateLimits, type FieldFormat, type TemplateFields } from '../../../src/templates/field.ts'
import type { JsonObject } from '../../../src/domain/event.ts'
import { digestData, makeEvent } from '../../support/event.ts'

const composition = (data: JsonObject, more: object = {}) => ({
  event: makeEvent({ data }),
  destination: { id: 'dst_1', name: 'On call' },
  ...more,
})

const formats = {
  line: { kind: 'line' },
  text: { kind: 'text' },
  html: { kind: 'text', escaping: htmlEscaping },
  slack: { kind: 'text', escaping: mrkdwnEscaping },
  json: { kind: 'json' },
  slackJson: { kind: 'json', escaping: mrkdwnEscaping },
} satisfies Record<string, FieldFormat>
type Format = keyof typeof formats

/** What one part comes to: its text, or what is wrong with it. */
function render(format: Format, text: string, data: JsonObject = {}): string {
  const fields: TemplateFields = { part: { ...formats[format], description: '' } }
  const { parsed, problems } = parseParts(fields, { part: text })
  const rendering = renderParts(fields, parsed, templateScope(composition(data)))
  return rendering.content.part ?? [...problems, ...rendering.problems].map(({ message }) => message).join()
}

describe('a template is the default for an event', () => {
  const template = (id: string, eventTypes: string[], channels = ['email']): TemplateDefault => ({
    id,
    eventTypes,
    channels,
  })
  it.each<[what: string, templates: TemplateDefault[], id: string | undefined]>([
    ['none', [], undefined],
    ['one that names no such type', [template('a', ['kyc.*', 'aml.match'])], undefined],
    ['one that has no part for the channel', [template('a', ['all'], ['slack'])], undefined],
    ['one for all', [template('a', ['all'])], 'a'],
    ['a glob before all', [template('a', ['*']), template('b', ['aml.*'])], 'b'],
    ['the longer glob', [template('a', ['aml.*']), template('b', ['aml.match.*']), template('c', ['*found'])], 'b'],
    ['the type itself before any glob', [template('a', ['aml.match.foun*']), template('b', ['aml.match.found'])], 'b'],
    ['the nearest of its own patterns', [template('a', ['aml.*']), template('b', ['all', 'aml.match.found'])], 'b'],
    ['the older of two that are as near', [template('a', ['aml.*']), template('b', ['aml.*'])], 'a'],
    ['one with a part, though another is nearer', [template('a', ['aml.match.found'], ['slack']), template('b', ['all'])], 'b'],
  ])('%s', (_what, templates, id) => {
    expect(defaultTemplateFor(templates, makeEvent(), 'email')).toBe(id)
  }) // prettier-ignore

  it.each<[what: string, eventTypes: string[], id: string | undefined]>([
    ['by its name', ['digest'], 'a'],
    ['by a glob', ['dig*'], 'a'],
    ['not by one for all', ['all'], undefined],
    ['not by a star', ['aml.*', '*'], undefined],
  ])('of a digest %s', (_what, eventTypes, id) => {
    const event = makeEvent({ type: 'digest', data: digestData(2) })
    expect(defaultTemplateFor([template('a', eventTypes)], event, 'email')).toBe(id)
  })

  it('of all types, also for an event that is called digest and is none', () => {
    const event = makeEvent({ type: 'digest', data: { events: 'none' } })
    expect(defaultTemplateFor([template('a', ['all'])], event, 'email')).toBe('a')
  })

  it('under any name of its type', () => {
    expect(defaultTemplateFor([template('a', ['AML_SCREENING'])], makeEvent({ type: 'AML' }), 'email')).toBe(
      'a',
    )
  })
})

const hostile = '"><script>alert(1)</script> & <!channel> <https://evil.example|x> \\" \n\u2028 \u202E}}'

describe('values are escaped for where they stand', () => {
  it('in HTML', () => {
    const html = render('html', '<p title="{{ data.name }}">{{ data.name }}</p>', { name: hostile })
    expect(html.match(/<[^>]*>/g)).toEqual([expect.stringMatching(/^<p title="[^"<>]*">$/), '</p>'])
    expect(html).toContain('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt; &amp; ')
  })

  it('in Slack’s mrkdwn', () => {
    const text = render('slack', '{{ data.name }} <https://ours.example|ours>', { name: hostile })
    expect(text.match(/<[^>]*>/g)).toEqual(['<https://ours.example|ours>'])
    expect(text).toContain('&lt;!channel&gt;')
  })

  it.each([
    ['between quotation marks', '{"v": "{{ data.name }}"}'],
    ['without', '{"v": {{ data.name }}}'],
    ['in a list', '{"v": {{ data.list }}}'],
    ['after a quotation mark of the template’s own', '{"a": "\\"", "v": "{{ data.name }}"}'],
    ['by echo', '{"v": "{% echo data.name %}"}'],
    ['by cycle', '{"v": "{% cycle data.name %}"}'],
    ['from a capture', '{% capture v %}{{ data.name }}{% endcapture %}{"v": "{{ v | raw }}"}'],
    ['in a loop', '{"v": "{% for item in data.list %}{{ item }}{% endfor %}"}'],
    ['after a value without quotation marks', '{"b": {{ data.name }}, "v": "{{ data.name }}"}'],
  ])('in JSON, %s', (_what, template) => {
    const { v } = JSON.parse(render('json', template, { name: hostile, list: [hostile] })) as { v: unknown }
    expect([v].flat()).toEqual([hostile])
  })

  it('in JSON, with every other type of value', () => {
    const data = { text: 'a', number: 5, no: false, nothing: null, list: [1, '"'], object: { a: ['"'] } }
    const template =
      '[{{ data.text }}, {{ data.number }}, {{ data.no }}, {{ data.nothing }}, {{ data.absent }}, {{ data.list }}, {{ data.object }},' +
      ' "{{ data.number }}|{{ data.no }}|{{ data.nothing }}|{{ data.absent }}|{{ data.object }}"]'
    expect(JSON.parse(render('json', template, data))).toEqual([
      'a', 5, false, null, null, [1, '"'], { a: ['"'] }, '5|false|||{"a":["\\""]}',
    ]) // prettier-ignore
  })

  it('in a line, which has no breaks', () => {
    expect(render('line', 'AML:\n {{ data.name }} ', { name: 'Jo\r\nBcc: thief@evil.example\u2028x' })).toBe(
      'AML:  Jo Bcc: thief@evil.example x',
    )
    const long = render('line', '{{ data.name }}', { name: `x${'😀'.repeat(2000)}` })
    expect(long).toBe(`x${'😀'.repeat((templateLimits.lineMax - 2) / 2)}…`)
  })

  it('not at all in plain text, and nowhere after raw', () => {
    expect(render('text', '{{ data.name }}', { name: '<b> & "c"' })).toBe('<b> & "c"')
    for (const kind of ['html', 'slack', 'json', 'slackJson'] as const)
      expect(render(kind, '{{ data.json | raw }}', { json: '["<b>"]' })).toBe('["<b>"]')
  })
})

describe('a filter that escapes does not do it twice:', () => {
  const data = { name: 'a & <b>\n"c"', entity: '&lt;b&gt; & c', object: { n: ['"'] }, empty: '' }
  it.each<[kind: Format, template: string, rendered: string]>([
    ['html', '{{ data.name | escape }}', 'a &amp; &lt;b&gt;\n&quot;c&quot;'],
    ['html', '{{ data.name | escape | escape }}', 'a &amp; &lt;b&gt;\n&quot;c&quot;'],
    ['html', '{{ data.name | escape | raw }}', 'a &amp; &lt;b&gt;\n&quot;c&quot;'],
    ['html', '{{ data.name | xml_escape }}', 'a &amp; &lt;b&gt;\n&quot;c&quot;'],
    ['html', '{{ data.entity | escape_once }}', '&lt;b&gt; &amp; c'],
    ['html', '{{ data.name | newline_to_br }}', 'a &amp; &lt;b&gt;<br />\n&quot;c&quot;'],
    ['html', '{{ data.name | escape | newline_to_br }}', 'a &amp; &lt;b&gt;<br />\n&quot;c&quot;'],
    ['html', '{{ data.name | newline_to_br | raw }}', 'a &amp; &lt;b&gt;<br />\n&quot;c&quot;'],
    ['html', '{% assign x = data.name | escape %}{{ x }}', 'a &amp; &lt;b&gt;\n&quot;c&quot;'],
    ['html', '{% capture x %}<i>{{ data.name }}</i>{% endcapture %}{{ x }}{{ x | size }}', '<i>a &amp; &lt;b&gt;\n&quot;c&quot;</i>38'],
    ['html', '{% capture x %}{{ data.empty }}{% endcapture %}{{ x | default: "none" }}{% if x == "" %}empty{% endif %}', 'noneempty'],
    ['html', '{{ data.name | escape | append: data.name }}', 'a &amp;amp; &amp;lt;b&amp;gt;\n&amp;quot;c&amp;quot;a &amp; &lt;b&gt;\n&quot;c&quot;'],
    ['slack', '{{ data.name | escape }}', 'a &amp; &lt;b&gt;\n"c"'],
    ['slack', '{{ data.name | newline_to_br }}', 'a &amp; &lt;b&gt;\n"c"'],
    ['slack', '{{ data.entity | escape_once }}', '&lt;b&gt; &amp; c'],
    ['slack', '{% capture x %}{{ data.name }}{% endcapture %}{{ x }}', 'a &amp; &lt;b&gt;\n"c"'],
    ['slackJson', '{"v": "{{ data.name | escape }}"}', '{"v": "a &amp; &lt;b&gt;\\n\\"c\\""}'],
    ['slackJson', '{"v": {{ data.name | escape }}}', '{"v": "a &amp; &lt;b&gt;\\n\\"c\\""}'],
    ['json', '{% capture x %}{{ data.name }}{% endcapture %}["{{ x }}", {{ x }}]', '["a & <b>\\n\\"c\\"", "a & <b>\\n\\"c\\""]'],
    ['json', '{% capture x %}{"a": {{ data.name }}{% endcapture %}{{ x }}', '"{\\"a\\": a & <b>\\\\n\\\\\\"c\\\\\\""'],
    ['text', '{{ data.name | escape }}', 'a &amp; &lt;b&gt;\n&#34;c&#34;'],
    ['text', '{{ data.name | newline_to_br }}', 'a & <b><br />\n"c"'],
  ])('%s %s', (kind, template, rendered) => {
    expect(render(kind, template, data)).toBe(rendered)
  }) // prettier-ignore

  it.each<[kind: Format, template: string, value: unknown]>([
    ['json', '{{ data | json }}', data],
    ['json', '{{ data.object | json: 2 }}', data.object],
    ['json', '{{ data.name | json }}', data.name],
    ['json', '{{ data.gone | json }}', null],
    ['json', '{% assign x = data.object | json %}{{ x }}', data.object],
    ['json', '"{{ data.object | json }}"', JSON.stringify(data.object)],
    ['json', '{{ data.object | json | raw }}', data.object],
    ['json', '{{ data.object | jsonify }}', data.object],
    ['slackJson', '{{ data.entity | json }}', '&amp;lt;b&amp;gt; &amp; c'],
  ])('json gives the value in JSON: %s %s', (kind, template, value) => {
    expect(JSON.parse(render(kind, template, data))).toEqual(value)
  })

  it('half of an emoji stays as it is in JSON, even by raw', () => {
    for (const template of ['"{{ data.name }}"', '{{ data.name }}', '"{{ data.name | raw }}"'])
      expect(render('json', template, { name: 'Zo\ud83d' })).toBe('"Zo\\ud83d"')
  })
})

describe('a template cannot get at', () => {
  it.each([
    '{{ data.constructor }}{{ data.__proto__ }}{{ constructor }}{{ toString }}{{ data.list.constructor }}',
    '{{ destination.config }}{{ destination.id }}{{ destination.keys }}{{ tenantId }}{{ process.env }}',
    '{% assign __proto__ = data %}{{ polluted }}',
  ])('more than it is given: %s', (text) => {
    expect(render('text', `[${text}]`, { list: [], polluted: 'yes' })).toBe('[]')
    expect('polluted' in {}).toBe(false)
  })

  it.each(['include', 'render', 'layout', 'block'])('files, by %s', (tag) => {
    expect(render('text', `\n{% ${tag} "/etc/hostname" %}`)).toBe(
      `is not valid Liquid: the tag "${tag}" is not supported: a template cannot include or extend another one (line 2, column 1)`,
    )
  })

  it('what another rendering has counted', () => {
    const count = () => render('text', '{% increment data %}{% increment n %}{% increment n %}')
    expect([count(), count()]).toEqual(['001', '001'])
  })
})

describe('a template ends, with a reason:', () => {
  const tooMuch = 'cannot be rendered: it produces too much text or too long lists while rendering'
  const tooSlow = 'cannot be rendered: it takes too long'
  const tooLong = 'cannot be rendered: it is longer than 256 KiB'
  it.each<[what: string, text: string, reason: string]>([
    ['an endless range', '{% for i in (1..1000000000) %}x{% endfor %}', tooMuch],
    ['loops in loops', `${'{% for i in (1..1000) %}'.repeat(4)}${'{% endfor %}'.repeat(4)}`, tooSlow],
    [
      'a text that doubles',
      '{% assign a = "xxxxxxxx" %}{% for i in (1..1000) %}{% assign a = a | append: a %}{% endfor %}',
      tooMuch,
    ],
    [
      'a capture that doubles',
      '{% assign a = "xxxxxxxx" %}{% for i in (1..1000) %}{% capture a %}{{ a }}{{ a }}{% endcapture %}{% endfor %}',
      tooLong,
    ],
    ['a long output', `{% for i in (1..1000) %}${'x'.repeat(1000)}{% endfor %}`, tooLong],
    ['a replacement that grows', '{{ data.spaces | replace: " ", data.spaces }}', tooMuch],
    [
      'one slow filter',
      '{{ (1..1000000) | where_exp: "n", "data.spaces contains \'yyyyyyyyyy\'" | size }}',
      tooSlow,
    ],
    ['a wide date', '{{ "now" | date: "%900000000d" }}', tooMuch],
    ['all of a large event, indented', '{{ data.list | json: 10 }}', tooLong],
    ['JSON of JSON', `{{ data.spaces${' | json'.repeat(40)} }}`, tooMuch],
  ])('%s', (_what, text, reason) => {
    const data = { spaces: ' '.repeat(200_000), list: Array.from({ length: 60_000 }, () => 0) }
    for (const kind of ['html', 'json'] as const) expect(render(kind, text, data)).toContain(reason)
  })

  it('and another one is rendered after it', () => {
    expect(render('html', '{% for i in (1..1000000000) %}x{% endfor %}')).toContain(tooMuch)
    expect(render('html', '{{ data.a }}', { a: 1 })).toBe('1')
  })

  it('tags in tags', () => {
    expect(render('text', '{% if a %}'.repeat(6000))).toMatch(/^is not valid Liquid: /)
  })

  const patient = [
    '  \t\n'.repeat(40_000),
    '<'.repeat(200_000),
    '<script'.repeat(30_000),
    'a1 '.repeat(60_000),
  ]
  it.each([
    'strip_html',
    'squish',
    'strip',
    'rstrip',
    'truncatewords',
    'slugify',
    'escape_once',
    'normalize_whitespace',
    'number_of_words',
    'url_encode',
    'newline_to_br',
    'strip_newlines',
  ])('the filter %s with hostile texts of 200 KB', (filter) => {
    for (const text of patient)
      expect(render('text', `x{{ data.text | ${filter} | size }}`, { text: `${text}x` })).toMatch(/^x\d+$/)
  })
})

describe('what is wrong with a part is said:', () => {
  it.each<[text: string, problem: string]>([
    ['a\n{% if x %}', 'is not valid Liquid: tag {% if x %} not closed (line 2, column 1)'],
    ['{{ x | nope }}', 'is not valid Liquid: undefined filter: nope (line 1, column 1)'],
    ['{% nope %}', 'is not valid Liquid: tag "nope" not found (line 1, column 1)'],
    ['{% if data.gone %}x{% endif %} ', 'renders to an empty string'],
    ['{"n": Jane }', 'does not render to valid JSON: syntax error at character 7'],
    ['{"a": }', expect.stringMatching(/^does not render to valid JSON: /) as string],
  ])('%j', (text, problem) => {
    expect(render('json', text)).toEqual(problem)
  })

  it.each<[blocks: string, problem: string]>([
    ['{"type": "section"}', 'does not render to a JSON array of blocks'],
    ['["a"]', 'does not render to a JSON array of blocks'],
    ['[]', 'renders to an empty array of blocks'],
    ['[{}]', 'renders to a block without a type'],
    [
      '[{% for i in (1..51) %}{"type":"divider"}{% unless forloop.last %},{% endunless %}{% endfor %}]',
      'renders to 51 blocks; Slack accepts at most 50',
    ],
  ])('Slack blocks %s', (blocks, message) => {
    const fields = findChannel('slack')?.template ?? {}
    const { parsed } = parseParts(fields, { blocks })
    expect(renderParts(fields, parsed, {})).toEqual({ content: {}, problems: [{ field: 'blocks', message }] })
  })

  it('one part that takes all the time fails by its own name', () => {
    const fields = findChannel('email')?.template ?? {}
    const slow = '{{ (1..1000000) | where_exp: "n", "data.text contains \'yyyyyyyyyy\'" | size }}'
    const { parsed } = parseParts(fields, { subject: 'ok', text: slow, html: 'ok' })
    const scope = templateScope(composition({ text: 'x'.repeat(200_000) }))
    const { problems } = renderParts(fields, parsed, scope)
    expect(problems).toEqual([
      { field: 'text', message: expect.stringContaining('it takes too long') as string, slow: true },
    ])
  })
})

describe('docs/guides/templates.md', () => {
  const doc = readFileSync(new URL('../../../docs/guides/templates.md', import.meta.url), 'utf8')
  const block = (info: string) => {
    const [, text] = new RegExp(`^\`\`\`${info}\\n([^]*?)\\n\`\`\`$`, 'm').exec(doc) ?? []
    if (text === undefined) throw new Error(`the document has no block "${info}"`)
    return text
  }
  const of = composition(JSON.parse(block('json event')) as JsonObject, {
    acknowledgeUrl: 'https://switchyard.example/acknowledge/1.x',
  })
  function rendered(channelName: string, fields: string[]): Record<string, unknown> {
    const channel = findChannel(channelName)
    if (!channel) throw new Error(`there is no channel ${channelName}`)
    const texts = fields.map((field) => [field, block(`liquid ${channelName}.${field}`)] as const)
    const { parsed, problems } = parseParts(channel.template, Object.fromEntries(texts))
    const rendering = renderParts(channel.template, parsed, templateScope(of))
    expect([...problems, ...rendering.problems]).toEqual([])
    return channel.compose(of, rendering.content)
  }

  it('has an email that works', () => {
    const { subject, html } = rendered('email', ['subject', 'html'])
    expect(subject).toBe('HIGH: Zoë Ångström matches 2 entries')
    expect(html).toContain('<tr><td>EU</td><td>Zoe Angström</td><td>81 %</td></tr>')
    expect(html).toContain('Received 21 November 2026, 12:28.')
    expect(html).toContain('<a href="https://switchyard.example/acknowledge/1.x">I am on it</a>')
  })

  it('has a Slack message that works', () => {
    const { text, blocks } = rendered('slack', ['text', 'blocks'])
    expect(text).toBe('AML match found (sandbox): Zoë Ångström')
    const mrkdwn = (words: string) => ({ type: 'mrkdwn', verbatim: true, text: words })
    expect(blocks).toEqual([
      { type: 'header', text: { type: 'plain_text', text: 'Zoë Ångström' } },
      { type: 'section', text: mrkdwn('*OFAC*: Z. Angstrom, 97 %') },
      { type: 'section', text: mrkdwn('*EU*: Zoe Angström, 81 %') },
      { type: 'section', text: mrkdwn('<https://switchyard.example/acknowledge/1.x|I am on it>') },
      { type: 'context', elements: [mrkdwn('Event evt_01jd6x7m2v8q')] },
    ])
  })

  it('has a webhook body that works', () => {
    expect(rendered('webhook', ['body']).body).toEqual({
      caseType: 'aml.match.found',
      subject: 'Zoë Ångström (cus_17)',
      risk: 'high',
      topScore: 97,
      hits: of.event.data.matches,
      analyst: null,
    })
  })

  it('has the limits of the code', () => {
    const limit = (what: string) =>
      new RegExp(`^\\| ${what} *\\| ([\\d.,]+)`, 'm').exec(doc)?.[1]?.replaceAll(',', '')
    expect(limit('Templates of an environment')).toBe(String(templateLimits.templates))
    expect(limit('Characters of a part')).toBe(String(templateLimits.partMax))
    expect(limit('Output of a part')).toBe(String(templateLimits.outputMaxBytes / 1024))
    expect(limit('A subject')).toBe(String(templateLimits.lineMax))
    expect(limit('Time for all parts of a message')).toBe(String(templateLimits.renderMs / 1000))
    expect(limit('Characters and list entries that a part may handle')).toBe(String(templateLimits.memory))
  })

  it('names every field of every channel', () => {
    const rows = [...doc.matchAll(/^\| `(\w+)` +\| `(\w+)` +\|/gm)].map(
      ([, channel, field]) => `${channel}.${field}`,
    )
    const fields = channels.flatMap(({ name, template }) =>
      Object.keys(template).map((field) => `${name}.${field}`),
    )
    expect(rows.sort()).toEqual(fields.sort())
  })
})
