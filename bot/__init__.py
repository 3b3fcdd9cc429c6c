"""Confide: dated, sourced answers about NHS care and the Home Office."""
