// Redocly's score of the document, which must not fall.
//
// It is nine tenths of the median operation's score. An operation on one resource loses 2 points for
// its two parameters (the id, and If-Match or If-None-Match), 2.5 for objects within the resource, and
// 1.7 to 3.3 for sharing schemas with others: what is left is the most that a resource with an address
// or metadata and conditional requests can have, and none of these is given up for a number.

import { readFileSync } from "node:fs";

const least = 91;
const text = readFileSync(process.argv[2], "utf8");
const score = JSON.parse(text.slice(text.indexOf("{")));
console.log(`redocly: score ${score.agentReadiness} of 100`);
if (score.agentReadiness < least) {
  const worst = Object.entries(score.operationScores).sort(([, a], [, b]) => a.agentReadiness - b.agentReadiness);
  for (const [operation, { agentReadiness, subscores }] of worst) {
    console.error(`  ${operation}: ${agentReadiness}, ${JSON.stringify(subscores)}`);
  }
  console.error(`redocly: the score is below ${least}`);
  process.exit(1);
}
