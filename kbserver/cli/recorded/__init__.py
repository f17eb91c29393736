"""Commands over what was recorded."""
