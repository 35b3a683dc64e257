"""Sound without torch: files, resampling, levels, chunks and the band above the model's.

Every stage is a stream with the same two calls: `push(block)` takes `[channels, time]` of any length and returns what
is ready, `flush()` returns the rest. What comes out never depends on how the input was cut into blocks.
"""
