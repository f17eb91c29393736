"""What should not be spoken as it stands: `lint` asks all the other modules."""
