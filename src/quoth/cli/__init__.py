"""The command line: arguments in, words and exit codes out; all that it does, `quoth.study` does.

Exit codes: 0 done; 1 could not; 2 wrong usage; 3 done, but some papers or findings failed.
"""

import sys

from quoth.cli.app import app
from quoth.errors import QuothError

DONE, COULD_NOT, WRONG_USAGE, SOME_FAILED = 0, 1, 2, 3


def main() -> None:
    """Run the command line; an error of quoth's own is told in its words, without a traceback."""
    try:
        app(prog_name="quoth")
    except QuothError as error:
        print(f"quoth: {error}", file=sys.stderr)
        sys.exit(COULD_NOT)
    except BrokenPipeError:
        # Whoever read the output has seen enough (quoth passages ... | head).
        sys.stderr.close()
        sys.exit(COULD_NOT)
    except KeyboardInterrupt:
        print("quoth: stopped; what was finished is kept", file=sys.stderr)
        sys.exit(COULD_NOT)
