// Imported first by every entry of the package: the store's native code ends an older process without a word.

if (Number(process.versions.napi) < 10) {
  const message = `Aionis needs Node.js 22.14 or newer, and this is ${process.version}.`;
  throw Object.assign(new Error(message), { code: "NODE_TOO_OLD" });
}
