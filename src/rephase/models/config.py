"""What the configurations of all networks have in common: a front end, and a form that JSON can hold.

No torch here: the registry, the Enhancer and the command line read latency and context from a configuration.
"""

from dataclasses import Field, asdict, dataclass, fields
from typing import Any, TypeVar

Config = TypeVar("Config", bound="NetworkConfig")


@dataclass(frozen=True)
class NetworkConfig:
    """The front end of a network, and the tools to check and to describe a configuration.

    Attributes:
        sample_rate: Hz.
        n_fft, hop_length, win_length: of the STFT, samples.
        compression: exponent of the magnitude compression.
        phase_only: whether the network is a phase retriever: it is given the magnitude with the phase set to zero, and
            its magnitude is not taken: what goes in comes out with another phase.
    """

    sample_rate: int = 16000
    n_fft: int = 512
    hop_length: int = 256
    win_length: int = 512
    compression: float = 0.3
    phase_only: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            self._check_type(field)
        if self.n_fft % 2:
            raise ValueError(f"n_fft must be even; got {self.n_fft}. Try n_fft={self.n_fft + 1}.")
        if self.win_length > self.n_fft:
            raise ValueError(
                f"win_length must be at most n_fft; got {self.win_length} and {self.n_fft}. "
                f"Try n_fft={self.win_length}."
            )
        if not 0 < self.compression <= 1:
            raise ValueError(f"compression must lie in (0, 1]; got {self.compression!r}. Try 0.3.")

    def _check_type(self, field: Field[Any]) -> None:
        """A value must be of the kind of its default: a switch, integers of at least 1, or a number."""
        value, default = getattr(self, field.name), field.default
        least = 0 if field.name in self._may_be_zero() else 1
        if isinstance(default, bool):
            kind, right = "true or false", type(value) is bool
        elif isinstance(default, float):
            kind, right = "a number of at least 0", type(value) in (int, float) and value >= 0
        elif isinstance(default, tuple):
            pair = field.name in self._pairs()
            kind = f"{'a pair of integers' if pair else 'integers'} of at least {least}"
            right = isinstance(value, tuple) and all(type(item) is int and item >= least for item in value)
            right = right and (len(value) == 2 if pair else len(value) > 0)
        else:
            kind, right = f"an integer of at least {least}", type(value) is int and value >= least
        if not right:
            raise ValueError(f"{field.name} must be {kind}; got {value!r}. Try {field.name}={default}.")

    @classmethod
    def _may_be_zero(cls) -> set[str]:
        """Names of integers for which 0 has a meaning."""
        return set()

    @classmethod
    def _pairs(cls) -> set[str]:
        """Names of tuples that must have two entries."""
        return set()

    @property
    def freqs(self) -> int:
        """Frequencies of the STFT."""
        return self.n_fft // 2 + 1

    @property
    def window(self) -> str:
        """The window of the STFT and its inverse, as `rephase.signal.stft.analysis_window` knows it."""
        return "hann"

    @property
    def block_frames(self) -> int:
        """Frames after which the network's own blocks repeat: faults of a graph hide at lengths around it."""
        raise NotImplementedError

    @property
    def past_context(self) -> int:
        """Samples before a chunk that its call must hear too; a multiple of the hop."""
        raise NotImplementedError

    @property
    def future_context(self) -> int:
        """Samples after a chunk that its call must hear too; a multiple of the hop."""
        raise NotImplementedError

    @property
    def chunk_samples(self) -> int:
        """Preferred length of one call, without the contexts, samples; a multiple of the hop."""
        raise NotImplementedError

    @property
    def latency_ms(self) -> float:
        """How long after a sample its result is final, in milliseconds."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON can hold them."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls: type[Config], values: dict[str, Any]) -> Config:
        """The configuration from what `to_dict` gave.

        Raises:
            ValueError: If a field is unknown, or a value is out of its range.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ValueError(
                f"unknown fields in a {cls.__name__}: {', '.join(unknown)}. Known: {', '.join(sorted(known))}."
            )
        frozen: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        return cls(**frozen)
