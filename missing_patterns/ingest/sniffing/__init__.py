"""What an unknown file is: which profile, which column is what, and why."""
