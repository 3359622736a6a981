// What a loader finds that takes the package for CommonJS, as Jest does. Node.js's own `require` and bundlers find the ES modules.

throw Object.assign(
  new Error(
    "aionis is an ES module, and this loader of CommonJS cannot load it. " +
      'With Jest, run `NODE_OPTIONS=--experimental-vm-modules npx jest` and load it in the test with `await import("aionis")`.',
  ),
  { code: "ERR_REQUIRE_ESM" },
);
