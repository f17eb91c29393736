"""What exports and site generators add to a format: records, drafts, dialects, page frames."""
