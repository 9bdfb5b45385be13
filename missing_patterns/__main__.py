"""``python -m missing_patterns``: the command, for machines that block installed launchers."""

from missing_patterns.cli import main

if __name__ == "__main__":
    main()
