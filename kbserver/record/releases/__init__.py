"""What a release is asked, and what came of asking."""
