"""What Office formats of several makers have in common."""
