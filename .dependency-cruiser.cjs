// Which layer may import which. The layers are drawn in ARCHITECTURE.md; imports point down, and each rule here is one arrow that must not exist.
// Imports of types count: a layer that knows another's types knows that layer.
const { builtinModules } = require("node:module");

const leaves = "^src/(errors|limits|contract)[.]ts$";
const entries = "^src/(index|browser|node|testing|streams|worker|redis)[.]ts$";
const link = "^src/session/link[.]ts$";
const rest = "^src/"; // Read after the layers themselves: what `may` does not list is forbidden.

/** `folder` may import itself and `may`; anything else under src/ is an error. */
const layer = (name, folder, may) => ({
  name,
  severity: "error",
  from: { path: folder },
  to: { path: rest, pathNot: [folder, ...may] },
});

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "no-cycle",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "no-cycle-of-types",
      comment: "Harmless when it runs, but two files that know each other's shapes are one: put the shape both need where both may look.",
      severity: "error",
      from: {},
      to: { circular: true, via: { dependencyTypes: ["type-only"] } },
    },
    layer("leaves-import-leaves", leaves, []),
    layer("core-imports-leaves", "^src/core/", [leaves]),
    layer("wire-imports-core-and-down", "^src/wire/", ["^src/core/", leaves]),
    layer("session-imports-wire-and-down", "^src/session/", ["^src/wire/", "^src/core/", leaves]),
    layer("link-imports-leaves", link, [leaves]),
    layer("remote-imports-session-and-down", "^src/remote/", ["^src/session/", "^src/wire/", "^src/core/", leaves]),
    layer("hub-imports-session-and-down", "^src/hub/", ["^src/session/", "^src/wire/", "^src/core/", leaves]),
    layer("transports-import-link", "^src/transports/", [link, leaves]),
    {
      name: "entries-are-imported-by-entries",
      comment: "Entries only export; whoever imports one pulls in everything.",
      severity: "error",
      from: { path: "^src/", pathNot: [entries] },
      to: { path: entries },
    },
    {
      name: "inner-layers-are-runtime-free",
      comment: "core, wire, session and remote run in every JavaScript engine: nothing of Node.",
      severity: "error",
      from: { path: "^src/(core|wire|session|remote|errors|limits|contract)" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "inner-layers-have-no-packages",
      comment: "Only wire/ has one: superjson makes the format of values.",
      severity: "error",
      from: { path: "^src/(core|wire|session|remote|errors|limits|contract)" },
      to: { pathNot: ["^src/", "^node_modules/superjson/"], dependencyTypesNot: ["core"], couldNotResolve: false },
    },
    {
      name: "superjson-only-in-wire",
      severity: "error",
      from: { path: "^src/", pathNot: ["^src/wire/"] },
      to: { path: "^node_modules/superjson/" },
    },
    {
      name: "browser-entries-never-reach-node",
      comment: "Not even by a type: their .d.ts files must compile without @types/node.",
      severity: "error",
      from: { path: "^src/(index|browser|testing|streams|worker)[.]ts$" },
      to: {
        path: [
          `^(node:)?(${builtinModules.join("|")})$`,
          "^src/(listen|node)[.]ts$",
          "^src/transports/[^/]*-server[.]ts$",
          "^node_modules/(ws|selfsigned)/",
        ],
        reachable: true,
      },
    },
    {
      name: "every-file-is-reached",
      comment: "A file that no entry needs is not shipped: remove it, or move it to the tests.",
      severity: "warn",
      from: { path: entries },
      to: { path: "^src/", pathNot: [entries], reachable: false },
    },
    {
      name: "no-unlisted-package",
      comment: "What src/ imports is in dependencies, and can be found.",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
    },
    { name: "no-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "src-imports-src",
      comment: "Nothing of the tests, the demo or the tools gets into the package; nor does the package import itself by name.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|e2e|demo|bench|scripts|dist)/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^src/globals[.]d[.]ts$" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    // As a browser's bundler resolves, because it is browsers that must not get Node's files; those are looked at on their own.
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".js"],
    },
  },
};
