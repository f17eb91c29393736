"""What converters share: from bytes to text, from markup and tables to blocks."""
