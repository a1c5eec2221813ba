// Print every key path of `paths`, `operations` and `components` of a .d.ts file with its type, one a line.
import ts from "typescript";

const file = process.argv[2];
const program = ts.createProgram([file], { strict: true, noEmit: true, target: ts.ScriptTarget.ES2022, types: [] });
const checker = program.getTypeChecker();
const exported = new Map(
  checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file))).map((each) => [each.name, each]),
);
const declared = (name) => checker.getDeclaredTypeOfSymbol(exported.get(name));
const lines = [];

// A component inside of another is named, and not entered again.
const components = new Map();
for (const each of checker.getPropertiesOfType(declared("components"))) {
  if (each.name !== "schemas") continue;
  for (const schema of checker.getPropertiesOfType(checker.getTypeOfSymbol(each))) {
    const type = checker.getTypeOfSymbol(schema);
    if (isShape(type) && !components.has(type)) components.set(type, schema.name);
  }
}

function walk(type, path, stack) {
  const isRoot = path.split("\u0000").length === 3 && path.startsWith("components\u0000schemas");
  if (components.has(type) && !isRoot) return lines.push([path, `@${components.get(type)}`]);
  if (stack.includes(type)) return lines.push([path, "@recursive"]);
  const inner = [...stack, type];
  if (type.isUnion()) {
    const plain = [];
    for (const member of type.types) {
      if (member.flags & ts.TypeFlags.Undefined) continue;
      if (components.has(member)) plain.push(`@${components.get(member)}`);
      else if (isShape(member)) walk(member, `${path}|`, inner);
      else plain.push(checker.typeToString(member));
    }
    if (plain.length) lines.push([path, plain.sort().join(" | ").replace("false | true", "boolean")]);
    return;
  }
  if (checker.isTupleType(type)) {
    checker.getTypeArguments(type).forEach((each, at) => walk(each, `${path}[${at}]`, inner));
    return;
  }
  if (checker.isArrayType(type)) return walk(checker.getTypeArguments(type)[0], `${path}[]`, inner);
  if (!isShape(type)) return lines.push([path, checker.typeToString(type)]);
  const properties = checker.getPropertiesOfType(type);
  const index = checker.getIndexInfoOfType(type, ts.IndexKind.String);
  if (index) walk(index.type, `${path}{}`, inner);
  if (!properties.length && !index) lines.push([path, "{}"]);
  for (const each of properties) {
    const optional = each.flags & ts.SymbolFlags.Optional ? "?" : "";
    walk(checker.getTypeOfSymbol(each), `${path}\u0000${each.name}${optional}`, inner);
  }
}

function isShape(type) {
  const name = type.symbol?.name;
  return Boolean(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) && name !== "Blob";
}

for (const name of ["paths", "operations", "components"]) walk(declared(name), name, []);
const texts = lines.map(([path, text]) => `${path.replaceAll("\u0000", " ")}: ${text}`);
process.stdout.write([...new Set(texts)].sort().join("\n") + "\n");
