"""From a file or a database to a grid of cells with their physical lines: opened safely, nothing interpreted."""
