"""Runs the code of documents as it stands there, against a running server.

Fenced blocks of `sh` (those that use curl or hoursmith), `python` and `js` are run, each by itself in
an empty folder, with URL, TOKEN, ID (of a client) and what world.py prints in the environment. They
must succeed and write nothing to standard error. A `text` block that follows is what they print, `…` standing for anything;
without one, JSON that is printed must not be a problem.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUNNERS = {
    "sh": ["sh", "-eu"],
    "python": [sys.executable, "-W", "error", "-"],
    "js": ["node", "--input-type=module"],
}
PATIENCE_S = 60


def blocks(text: str):
    """Language, code, line and expected output of every block that is to run."""
    fences = list(FENCE.finditer(text))
    for fence, after in zip(fences, [*fences[1:], None]):
        language, code = fence.groups()
        if language not in RUNNERS or (language == "sh" and not re.search("curl|hoursmith", code)):
            continue
        follows = after and after[1] == "text" and not text[fence.end() : after.start()].strip()
        line = text.count("\n", 0, fence.start()) + 1
        yield language, code, line, after[2] if follows else None


def wrong(ran: subprocess.CompletedProcess[str], expected: str | None) -> str | None:
    """What is wrong with a run, if anything."""
    if ran.returncode != 0 or ran.stderr:
        return f"exit code {ran.returncode}: {ran.stderr}"
    if expected is not None:
        pattern = re.escape(expected.rstrip("\n")).replace("…", ".*")
        return None if re.fullmatch(pattern, ran.stdout.rstrip("\n"), re.DOTALL) else ran.stdout
    try:
        answer = json.loads(ran.stdout)
    except ValueError:
        return None
    is_problem = isinstance(answer, dict) and {"code", "request_id"} <= answer.keys()
    return ran.stdout if is_problem else None


def main() -> int:
    environment = {**os.environ, "ID": os.environ["CLIENT"]}
    failures = 0
    for name in sys.argv[1:]:
        count = 0
        for language, code, line, expected in blocks(Path(name).read_text(encoding="utf-8")):
            with tempfile.TemporaryDirectory() as folder:
                ran = subprocess.run(
                    RUNNERS[language],
                    input=code,
                    cwd=folder,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=PATIENCE_S,
                    check=False,
                )
            count += 1
            if (reason := wrong(ran, expected)) is not None:
                failures += 1
                print(f"{name}:{line}: {language}: {reason}", file=sys.stderr)
        if count == 0:
            failures += 1
            print(f"{name}: no code that could be run", file=sys.stderr)
        print(f"{name}: {count} examples run")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
