"""Carries replies to people and their messages back: lengths, forms, limits. Never policy."""
