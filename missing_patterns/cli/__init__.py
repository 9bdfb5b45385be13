"""The command line: ``python -m missing_patterns ...``.

Results go to stdout, progress and errors to stderr. Only what a command needs is loaded, so that ``--help`` is quick.
Exit codes: 0 done; 1 our fault; 2 usage; 3 data refused; 4 disclosure refused; 5 settings refused; 75 try later.
"""

from __future__ import annotations

from missing_patterns.cli import checks, reports
from missing_patterns.cli.app import commands, main

__all__ = ["checks", "commands", "main", "reports"]
