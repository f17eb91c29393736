"""Documents to passages, and passages to a generation: `build` shows the whole of it."""
