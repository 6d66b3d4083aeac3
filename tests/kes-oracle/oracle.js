'use strict'

// What kubernetes-external-secrets (KES) 8.5.5 makes of templates: `node oracle.js MODE < CASES > ANSWERS`, one JSON
// value a line. README.md beside this file describes cases and answers.
//
// KES runs templates, and so does this program. Feed it the corpus of this folder and generated cases only.

const readline = require('node:readline')

const cloneDeep = require('lodash/cloneDeep')
const mapValues = require('lodash/mapValues')
const merge = require('lodash/merge')
// With this import `_` has `escape` inside of templates and nothing else. `require('lodash').template` would give all.
const compile = require('lodash/template')
const yaml = require('js-yaml')

// Stage and class of an error. Its text is the JavaScript engine's own business and differs between releases.
class Failure {
  constructor (stage, error) {
    const name = error !== null && typeof error === 'object' ? error.name : typeof error
    this.answer = { error: `${stage} ${name}` }
  }
}

function bytesOf (value) {
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(value.base64, 'base64')
}

// A template sees every fetched value as ASCII: the eighth bit of each byte is lost.
function asciiOf (values) {
  return mapValues(values, value => bytesOf(value).toString('ascii'))
}

// What leaves as JSON in UTF-8. Half a surrogate pair becomes U+FFFD.
function written (text) {
  return Buffer.from(text, 'utf8').toString('utf8')
}

const KES = { yaml }
const KNOWN = new Set(Reflect.ownKeys(globalThis))

// The same with the members of what is read in the order of their names, and with what is dumped as YAML in a form that
// the reader of the answer writes as Go does: JSON between two private characters, without the last line break. What
// differs from this differs in more than order and style.
const mark = value => value === undefined ? '' : `\u{f0000}${JSON.stringify(value)}\u{f0001}\n`
const SORTED = {
  yaml: {
    ...yaml,
    dump: mark,
    safeDump: mark,
    load: text => sorted(yaml.load(text)),
    safeLoad: text => sorted(yaml.safeLoad(text))
  },
  JSON: { parse: text => sorted(JSON.parse(text)), stringify: JSON.stringify }
}

function sorted (value) {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object' || value instanceof Date) return value
  return Object.fromEntries(Object.keys(value).sort().map(key => [key, sorted(value[key])]))
}

function render (text, data, imports) {
  let compiled
  try {
    compiled = compile(text, { imports, variable: 'data' })
  } catch (error) {
    throw new Failure('compile', error)
  }
  try {
    return compiled(data)
  } catch (error) {
    throw new Failure('run', error)
  } finally {
    // What a template assigns without declaring it is global, and another case's template must not find it.
    for (const name of Reflect.ownKeys(globalThis)) if (!KNOWN.has(name)) delete globalThis[name]
  }
}

function answersOf (sets, answer) {
  return sets.map(values => {
    try {
      return answer(values)
    } catch (failure) {
      if (failure instanceof Failure) return failure.answer
      throw failure
    }
  })
}

function template (asked) {
  const under = (imports, order) =>
    answersOf(asked.sets, values => written(render(asked.template, order(asciiOf(values)), imports)))
  const answers = under(KES, data => data)
  const inOrder = under(SORTED, sorted)
  return JSON.stringify(answers) === JSON.stringify(inOrder) ? { answers } : { answers, sorted: inOrder }
}

// Strings are templates wherever they stand in maps. Lists, also of strings, stay as they are.
function renderAll (map, data) {
  return mapValues(map, value => {
    if (typeof value === 'string' && value !== '') return render(value, data, KES)
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return renderAll(value, data)
    return value
  })
}

// The Secret that KES sends for an object with this `spec.template`, once the values are fetched.
function manifest (spec, values) {
  const wanted = spec.template ?? {}
  const generated = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'o',
      ownerReferences: [{
        apiVersion: 'kubernetes-client.io/v1', controller: true, kind: 'ExternalSecret', name: 'o', uid: 'u'
      }]
    },
    // The template's type is taken before it is rendered.
    type: wanted.type || spec.type || 'Opaque',
    data: mapValues(values, value => bytesOf(value).toString('base64'))
  }
  return merge(cloneDeep(renderAll(wanted, asciiOf(values))), generated)
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

// As the API server reads a map of strings: null is the empty string, another type is refused.
function stringMap (map, what) {
  if (map === undefined || map === null) return {}
  if (typeof map !== 'object' || Array.isArray(map)) throw new Failure('apply', { name: `${what} is no map` })
  return mapValues(map, (value, key) => {
    if (value === null) return ''
    if (typeof value !== 'string') throw new Failure('apply', { name: `${what}.${key} is no string` })
    return value
  })
}

// What the API server makes of the Secret that it is sent.
function applied (sent) {
  const { metadata } = sent
  const data = mapValues(stringMap(sent.data, 'data'), (text, key) => {
    // Go ignores line breaks.
    const bare = text.replace(/[\r\n]/g, '')
    if (!BASE64.test(bare)) throw new Failure('apply', { name: `data.${key} is no base64` })
    return Buffer.from(bare, 'base64')
  })
  for (const [key, text] of Object.entries(stringMap(sent.stringData, 'stringData'))) data[key] = Buffer.from(text)
  if (sent.immutable !== undefined && sent.immutable !== null && typeof sent.immutable !== 'boolean') {
    throw new Failure('apply', { name: 'immutable is no boolean' })
  }
  const secret = {
    type: sent.type,
    labels: stringMap(metadata.labels, 'labels'),
    annotations: stringMap(metadata.annotations, 'annotations'),
    finalizers: metadata.finalizers ?? [],
    immutable: sent.immutable ?? false,
    data: mapValues(data, bytes => {
      const text = bytes.toString('utf8')
      return Buffer.from(text, 'utf8').equals(bytes) ? text : { base64: bytes.toString('base64') }
    })
  }
  for (const member of ['labels', 'annotations', 'data']) {
    secret[member] = Object.fromEntries(Object.entries(secret[member]).sort(([a], [b]) => a < b ? -1 : 1))
  }
  return secret
}

function object (asked) {
  // Sent as JSON, which drops what has no value.
  const sent = values => JSON.parse(JSON.stringify(manifest(asked.spec, values)))
  return { answers: answersOf(asked.sets, values => applied(sent(values))) }
}

const MODES = { template, object }

const answer = Object.hasOwn(MODES, process.argv[2]) ? MODES[process.argv[2]] : undefined
if (answer === undefined) {
  process.stderr.write(`usage: node oracle.js ${Object.keys(MODES).join('|')}\n`)
  process.exit(2)
}
readline.createInterface({ input: process.stdin, crlfDelay: Infinity })
  .on('line', line => process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`))
