// What `tsc --strict` says of programs that use the types that openapi-typescript makes of a
// document, by their names.
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

import openapiTS, { astToString } from "openapi-typescript";
import ts from "typescript";

const [folder, ...names] = process.argv.slice(2);
const document = JSON.parse(readFileSync(join(folder, "document.json"), "utf8"));
writeFileSync(join(folder, "document.ts"), astToString(await openapiTS(document)));
const paths = names.map((it) => join(folder, it));
const options = { strict: true, noEmit: true, types: [], skipLibCheck: true, lib: ["lib.es2022.d.ts"] };
const program = ts.createProgram(paths, options);
const told = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
  const line = file.getLineAndCharacterOfPosition(start).line + 1;
  return `${basename(file.fileName)}:${line}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
});
console.log(JSON.stringify(told));
