"""The family of errors that a user can meet: each says what is wrong, where, and what to do, in one line.

    notes.txt is no audio file; /home/me/notes.txt; name a recording, such as talk.wav

All are `ValueError`s, so a program that guards against bad values catches them too.
"""


class RephaseError(ValueError):
    """Base of the family: "what; where; what to do"."""


class AudioFileError(RephaseError):
    """A recording that can't be read, or holds nothing that could be enhanced."""


class OutputError(RephaseError):
    """A result that can't be written where or how it was asked for."""


class ModelError(RephaseError):
    """A model, its weights or the runtime it needs is missing, damaged or failed."""
