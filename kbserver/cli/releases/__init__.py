"""Commands around a release: judging what was answered, and replaying it on what comes next."""
