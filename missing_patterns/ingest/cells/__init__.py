"""One cell, or the distinct cells of a column, into a value, or a rule that it breaks."""
