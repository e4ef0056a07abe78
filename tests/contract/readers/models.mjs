// The interfaces that Modelina makes of a document, in TypeScript, by their names.
import { readFileSync } from "node:fs";

import { TypeScriptGenerator } from "@asyncapi/modelina";

const document = JSON.parse(readFileSync(process.argv[2], "utf8"));
const models = await new TypeScriptGenerator({ modelType: "interface" }).generate(document);
console.log(JSON.stringify(Object.fromEntries(models.map((it) => [it.modelName, it.result]))));
