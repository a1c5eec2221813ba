// node asyncapi.mjs node_modules < documents: what @asyncapi/parser says of each document of a list, and what it finds in it.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const { Parser } = createRequire(join(process.argv[2], 'package.json'))('@asyncapi/parser')
const found = []
for (const document of JSON.parse(readFileSync(0, 'utf8'))) {
  const { document: parsed, diagnostics } = await new Parser().parse(JSON.stringify(document))
  found.push({
    // 0 are errors; that there is a newer version of AsyncAPI is a warning.
    errors: diagnostics.filter((each) => each.severity === 0).map((each) => `${each.path.join('.')}: ${each.message}`),
    messages: parsed?.channels().all().map((each) => [each.address(), each.messages().all().length]),
  })
}
console.log(JSON.stringify(found))
