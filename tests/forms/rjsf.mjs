// Renders a form by @rjsf and validates instances: reads {schema, uiSchema, instances} from stdin, writes {html, errors}.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.argv[2]}/package.json`);
const { createElement } = require("react");
const { renderToStaticMarkup } = require("react-dom/server");
const Form = require("@rjsf/core").default;
const validator = require("@rjsf/validator-ajv8").default;

const { schema, uiSchema, instances } = JSON.parse(readFileSync(0, "utf8"));
const html = renderToStaticMarkup(createElement(Form, { schema, uiSchema, validator }));
const errors = instances.map((instance) => validator.rawValidation(schema, instance).errors ?? []);
process.stdout.write(JSON.stringify({ html, errors }));
