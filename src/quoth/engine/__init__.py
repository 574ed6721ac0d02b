"""Where reading runs: supervised worker processes on this machine."""
