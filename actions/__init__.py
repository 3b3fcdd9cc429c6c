"""Scripted actions: each reads the tracker, calls the core and dispatches the reply."""
