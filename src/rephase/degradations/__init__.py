"""What happens to speech before it reaches a microphone's file: on batches, seeded, in torch."""
