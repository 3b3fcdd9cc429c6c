"""The volunteers' desk: the same knowledge for who answers a caller, and a conversation passed to a person and back."""
