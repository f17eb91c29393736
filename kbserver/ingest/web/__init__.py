"""Pages of a web site, fetched into a folder: `site` is the way in."""
