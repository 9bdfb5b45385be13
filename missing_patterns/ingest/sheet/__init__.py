"""One sheet: which rows are data, and what rows of the tables they become."""
