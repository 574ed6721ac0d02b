"""The command line: arguments in, words and exit codes out; all that it does, `quoth.study` does.

Exit codes: 0 done; 1 could not; 2 wrong usage; 3 done, but some papers or findings failed.
"""

from quoth.cli.app import app

DONE, COULD_NOT, WRONG_USAGE, SOME_FAILED = 0, 1, 2, 3


def main() -> None:
    """Run the command line."""
    app(prog_name="quoth")
