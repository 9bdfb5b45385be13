"""Exits: what happens to a child who leaves before going missing again."""
