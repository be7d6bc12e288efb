// Checks manifests against the types of the Kubernetes API and of what is added to it, as the compiler checks an
// object literal: a key that the type does not have is an error, wherever it stands.
//
// stdin: a JSON array of manifests. stdout: a JSON array of {index, problem}, empty where all are good.

import {readFileSync} from "node:fs";
import path from "node:path";
import ts from "typescript";

const FILE = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "manifests.ts");
const OPTIONS = {
  strict: true, noEmit: true, skipLibCheck: true, types: [], lib: ["lib.es2022.d.ts"],
  target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
};

const CUSTOM = {
  "gateway.networking.k8s.io": "@kubernetes-models/gateway-api",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
};

function moduleOf({apiVersion, kind}) {
  return `${CUSTOM[String(apiVersion).split("/")[0]] ?? "kubernetes-models"}/${apiVersion}/${kind}`;
}

// One line for each manifest, so that a line tells which it is.
function sourceOf(manifests) {
  return manifests.map((manifest, n) =>
    `import type {I${manifest.kind} as T${n}} from ${JSON.stringify(moduleOf(manifest))}; `
    + `export const m${n}: T${n} = ${JSON.stringify(manifest)};`).join("\n");
}

function problemsOf(source) {
  const host = ts.createCompilerHost(OPTIONS);
  const {getSourceFile, fileExists} = host;
  host.getSourceFile = (name, ...rest) => name === FILE
    ? ts.createSourceFile(FILE, source, OPTIONS.target) : getSourceFile.call(host, name, ...rest);
  host.fileExists = (name) => name === FILE || fileExists.call(host, name);
  const program = ts.createProgram([FILE], OPTIONS, host);
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => ({
    index: diagnostic.file?.fileName === FILE
      ? diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start).line : null,
    problem: ts.flattenDiagnosticMessageText(diagnostic.messageText, " "),
  }));
}

const manifests = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(problemsOf(sourceOf(manifests))));
