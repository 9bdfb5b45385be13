"""A corpus of files with known defects, each with the outcome that reading it must have."""
