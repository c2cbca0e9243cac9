// Prints the result of every server audit of the npm package `graphql-http` as JSON.
// Usage: node audits.mjs <directory with node_modules> <url>
import { createRequire } from "node:module";
import { join } from "node:path";

const [directory, url] = process.argv.slice(2);
const { serverAudits } = createRequire(join(directory, "index.js"))("graphql-http");

const results = [];
for (const audit of serverAudits({ url, fetchFn: fetch })) {
  const result = await audit.fn();
  results.push({ id: audit.id, name: audit.name, status: result.status, reason: result.reason ?? null });
}
console.log(JSON.stringify(results));
