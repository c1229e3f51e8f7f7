"""Runs the snippet for Python as it is shown: reads cases, one JSON text a line, and says of each whether
it was verified."""

import json
import pathlib
import runpy
import sys

SNIPPET = pathlib.Path(__file__).parents[3] / "actors" / "console" / "snippets" / "verify.py"
verify = runpy.run_path(str(SNIPPET))["verify"]

for line in sys.stdin:
    case = json.loads(line)
    try:
        verify(case["headers"], case["body"].encode(), case["secret"], case["now"])
        print("verified")
    except ValueError as error:
        print(error)
