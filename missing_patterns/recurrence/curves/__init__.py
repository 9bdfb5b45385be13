"""Curves over time: how soon again, by three questions (E2), and how many episodes per child by each day (E3)."""
