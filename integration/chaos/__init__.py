"""Breaks things on purpose, by a seed, and accounts for every single message."""
