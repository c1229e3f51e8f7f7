// Runs the snippet for Node as it is shown: reads cases, one JSON text a line, and says of each whether
// it was verified.
import { createInterface } from "node:readline";
import { verify } from "../../../actors/console/snippets/verify.mjs";

for await (const line of createInterface({ input: process.stdin })) {
  const { headers, body, secret, now } = JSON.parse(line);
  try {
    verify(headers, Buffer.from(body), secret, now);
    console.log("verified");
  } catch (error) {
    console.log(error.message);
  }
}
