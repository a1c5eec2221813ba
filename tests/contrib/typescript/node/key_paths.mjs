// Print every key path of `paths`, `operations` and `components` of .d.ts files with its type, as JSON by file.
import ts from "typescript-6";

const files = process.argv.slice(2);
const program = ts.createProgram(files, { strict: true, noEmit: true, target: ts.ScriptTarget.ES2022, types: [] });
const checker = program.getTypeChecker();

function isShape(type) {
  const name = type.symbol?.name;
  return Boolean(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) && name !== "Blob";
}

function read(file) {
  const exported = new Map(
    checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file))).map((each) => [each.name, each]),
  );
  const declared = (name) => checker.getDeclaredTypeOfSymbol(exported.get(name));
  const lines = {};

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
    const put = (text) => {
      lines[path.replaceAll("\u0000", " ")] = text;
    };
    if (components.has(type) && !isRoot) return put(`@${components.get(type)}`);
    if (stack.includes(type)) return put("@recursive");
    const inner = [...stack, type];
    if (type.isUnion()) {
      const plain = [];
      for (const member of type.types) {
        if (member.flags & ts.TypeFlags.Undefined) continue;
        if (components.has(member)) plain.push(`@${components.get(member)}`);
        else if (isShape(member)) walk(member, `${path}|`, inner);
        else plain.push(checker.typeToString(member));
      }
      if (plain.length) put(plain.sort().join(" | ").replace("false | true", "boolean"));
      return;
    }
    if (checker.isTupleType(type)) {
      checker.getTypeArguments(type).forEach((each, at) => walk(each, `${path}[${at}]`, inner));
      return;
    }
    if (checker.isArrayType(type)) return walk(checker.getTypeArguments(type)[0], `${path}[]`, inner);
    if (!isShape(type)) return put(checker.typeToString(type));
    const properties = checker.getPropertiesOfType(type);
    const index = checker.getIndexInfoOfType(type, ts.IndexKind.String);
    if (index) walk(index.type, `${path}{}`, inner);
    if (!properties.length && !index) put("{}");
    for (const each of properties) {
      const optional = each.flags & ts.SymbolFlags.Optional ? "?" : "";
      walk(checker.getTypeOfSymbol(each), `${path}\u0000${each.name}${optional}`, inner);
    }
  }

  for (const name of ["paths", "operations", "components"]) walk(declared(name), name, []);
  return lines;
}

process.stdout.write(JSON.stringify(Object.fromEntries(files.map((file) => [file, read(file)]))));
