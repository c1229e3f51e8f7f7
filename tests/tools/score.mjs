// Redocly's score of the document, which must not fall.
// It is nine tenths of the median operation's score and one of how few operations there are; why no
// more than this can be had without hiding something is in docs/DECISIONS.md.

import { readFileSync } from "node:fs";

const least = 92;
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
