"""Verifies a delivery and gives its event; raises ValueError unless Hoursmith sent it, unaltered, in the
last five minutes. `headers` are those of the framework, which finds them in any case. `body` is the raw
body in bytes: request.get_data() in Flask, request.body in Django.
"""

import base64
import hashlib
import hmac
import json
import time


def verify(headers, body, secret, now=None):
    event_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{event_id}.{timestamp}.".encode() + body
    code = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    # For a day after a rotation there are two signatures, and one must be right.
    signatures = headers.get("webhook-signature", "").encode().split()
    if not any(hmac.compare_digest(given, b"v1," + code) for given in signatures):
        raise ValueError("the signature is wrong")
    if abs((time.time() if now is None else now) - int(timestamp)) > 300:
        raise ValueError("the delivery is too old")
    return json.loads(body)
