"""What is asked by any door, how its answer is wanted, and words that go on."""
