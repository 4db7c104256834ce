"""How figures, text and progress are shown."""
