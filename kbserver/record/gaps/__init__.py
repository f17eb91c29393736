"""What callers asked in vain: grouped, kept with what is done about it, and written down."""
