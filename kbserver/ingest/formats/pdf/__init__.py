"""PDF: `pages` reads lines, the other modules make structure of them."""
