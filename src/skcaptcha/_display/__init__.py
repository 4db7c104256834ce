"""Formatting of numbers and text, and progress bars."""
