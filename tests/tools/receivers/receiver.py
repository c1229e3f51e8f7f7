"""A receiver that verifies deliveries with the unmodified libraries of PyPI.

`POST /stripe?secret=…` and `POST /standardwebhooks?secret=…` answer 204 to what the library accepts,
and 400 with its words to what it refuses. Prints its port, and ends with its standard input.
"""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import standardwebhooks
import stripe


def by_stripe(headers, body, secret):
    stripe.Webhook.construct_event(body, headers["Hoursmith-Signature"], secret)


def by_standardwebhooks(headers, body, secret):
    standardwebhooks.Webhook(secret).verify(body, {k.lower(): v for k, v in headers.items()})


LIBRARIES = {"/stripe": by_stripe, "/standardwebhooks": by_standardwebhooks}


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            LIBRARIES[url.path](self.headers, body, parse_qs(url.query)["secret"][0])
            status, words = 204, b""
        except (stripe.SignatureVerificationError, standardwebhooks.WebhookVerificationError) as error:
            status, words = 400, str(error).encode()
        self.send_response(status)
        if words:
            self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
