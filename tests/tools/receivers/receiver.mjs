// A receiver that verifies deliveries with the unmodified libraries of npm.
//
// `POST /stripe?secret=…` and `POST /standardwebhooks?secret=…` answer 204 to what the library
// accepts, and 400 with its words to what it refuses. Prints its port, and ends with its standard
// input.

import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import Stripe from "stripe";

const stripe = new Stripe("sk_test_unused");
const libraries = {
  "/stripe": (headers, body, secret) =>
    stripe.webhooks.constructEvent(body, headers["hoursmith-signature"], secret),
  "/standardwebhooks": (headers, body, secret) =>
    new Webhook(secret).verify(body.toString("utf8"), headers),
};

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://receiver");
  const body = await buffer(request);
  try {
    libraries[url.pathname](request.headers, body, url.searchParams.get("secret"));
    response.writeHead(204).end();
  } catch (error) {
    const refused =
      error instanceof Stripe.errors.StripeSignatureVerificationError ||
      error instanceof WebhookVerificationError;
    response.writeHead(refused ? 400 : 500).end(error.message);
  }
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
