// Reads [{before, after}] from a file, and writes the classes that api-smart-diff gives to their differences.
import { readFileSync } from "node:fs";
import { apiCompare } from "api-smart-diff";

const cases = JSON.parse(readFileSync(process.argv[2], "utf8"));
const classes = cases.map(({ before, after }) => {
  const { diffs } = apiCompare(before, after);
  return [...new Set(diffs.map((each) => each.type))].sort();
});
console.log(JSON.stringify(classes));
