"""The sheets of a run held against each other, and joined."""
