"""Commands about the doors of other platforms than Omni."""
