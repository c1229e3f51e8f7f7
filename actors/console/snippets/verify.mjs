// Verifies a delivery and gives its event; throws unless Hoursmith sent it, unaltered, in the last five
// minutes. `headers` are those of Node, in lower case. `body` is the raw body, before any JSON parser:
// in Express, express.raw({ type: "application/json" }).
import { createHmac, timingSafeEqual } from "node:crypto";

export function verify(headers, body, secret, now = Date.now() / 1000) {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures = "" } = headers;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  // For a day after a rotation there are two signatures, and one must be right.
  const right = signatures.split(" ").some((signature) => {
    const [version, code = ""] = signature.split(",");
    const given = Buffer.from(code, "base64");
    return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
  });
  if (!right) throw new Error("the signature is wrong");
  if (!(Math.abs(now - Number(timestamp)) <= 300)) throw new Error("the delivery is too old");
  return JSON.parse(body);
}
