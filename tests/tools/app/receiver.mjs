// A receiver of webhooks, which verifies as the snippet of the page does.

import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { verify } from "../../../actors/console/snippets/verify.mjs";
import { markup, patience } from "./kit.mjs";

// Keeps what comes, answers as it is told, and can be waited for.
export async function receiver() {
  const took = [];
  const waiting = [];
  const server = createServer(async (request, answer) => {
    took.push({ headers: request.headers, body: await buffer(request) });
    answer.writeHead(receiving.status).end(`${receiving.status} ${markup}`);
    for (const look of waiting.splice(0)) look();
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const receiving = {
    status: 200,
    took,
    url: `http://127.0.0.1:${server.address().port}/hook`,
    until: async (count) => {
      const late = AbortSignal.timeout(patience);
      while (took.length < count) {
        late.throwIfAborted();
        await new Promise((look) => { waiting.push(look); late.addEventListener("abort", look); });
      }
      return took[count - 1];
    },
    end: () => server.close(),
  };
  return receiving;
}

// What it says, if the snippet that the page shows verifies it with the secret.
export const verifies = ({ headers, body }, secret) => {
  try {
    return verify(headers, body, secret);
  } catch {
    return undefined;
  }
};
