"""The command line: arguments in, words and exit codes out; all that it does, `quoth.study` does.

Exit codes: 0 done; 1 could not; 2 wrong usage; 3 done, but some papers or findings failed.
"""

import io
import sys

from quoth.cli.app import app

DONE, COULD_NOT, WRONG_USAGE, SOME_FAILED = 0, 1, 2, 3


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # What a terminal's encoding lacks is written out, rather than ending the program.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="quoth")
