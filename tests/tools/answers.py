"""How the requests that schemathesis made were answered: every operation must have succeeded, and
nine of ten valid requests, else the checks saw refusals alone."""

import collections
import sys

LEAST = 0.9

counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        operation, kind, status = line.rstrip("\n").split("\t")
        counts[operation][kind if kind == "invalid" else status[0] + "xx"] += 1
valid = sum(count for one in counts.values() for word, count in one.items() if word != "invalid")
good = sum(one["2xx"] + one["3xx"] for one in counts.values())
for operation, one in sorted(counts.items()):
    told = ", ".join(f"{word} {count}" for word, count in sorted(one.items()))
    print(f"  {operation}: {told}")
print(f"{valid} valid requests to {len(counts)} operations, {good / valid:.0%} succeeded")
without = [operation for operation, one in counts.items() if not one["2xx"]]
for operation in without:
    print(f"{operation}: no request succeeded", file=sys.stderr)
sys.exit(1 if without or good / valid < LEAST else 0)
