"""The configuration of RENet as published (Wang, Li, Yao & Li, arXiv:2602.08556): `renet-base` and `renet-small`.

No torch here: the registry, the Enhancer and the command line read latency and context from it.
"""

from dataclasses import dataclass

from rephase.models.config import NetworkConfig

FADE_SECONDS = 0.5  # room for the cross-fade of two calls


@dataclass(frozen=True)
class RENetConfig(NetworkConfig):
    """The network as published; the defaults are those of `renet-base`.

    Its norms and its attention along time look at the whole input, so that no finite context gives what the whole
    gives: a recording goes through in calls of at most `longest_seconds`, which share `context_seconds` at both ends.

    Attributes:
        sample_rate, n_fft, hop_length, win_length, compression: the front end, see `NetworkConfig`.
        channels: magnitude and complex phase channels.
        dense_kernel: (frames, freqs) of the convolutions in the dense blocks; padded in the past alone.
        dense_dilations: in time, of a dense block's layers, one each.
        down_kernel: in frequency, of the convolution that halves the frequencies and of the one that doubles them.
        down_stride: of both, in frequency.
        out_kernel: in frequency, of the last convolutions.
        blocks: pairs of an HADF along time and one along frequency.
        heads: attention heads; they divide the magnitude channels.
        phase_head_channels: complex channels of one head.
        recurrent_factor: hidden size of the BiGRU, a direction, in units of the magnitude channels.
        phase_hidden: complex channels within the phase stream's feed-forward network.
        phase_kernel: of its convolutions.
        leaky_slope: of the LeakyReLU after the BiGRU.
        dropout: after the LeakyReLU, while training.
        magnitude_eps, phase_eps: added to the mean squares in norms of the two streams.
        longest_seconds: that one call takes, s.
        chunk_seconds: of new audio in one call of a longer recording, s. Attention along time needs memory with the
            square of a call's length: in ONNX Runtime 0.4 GB for each score map of a call of 5 s in one channel.
        context_seconds: that such a call hears before and after its chunk, s.
    """

    n_fft: int = 400
    hop_length: int = 100
    win_length: int = 400
    channels: tuple[int, int] = (48, 16)
    dense_kernel: tuple[int, int] = (2, 3)
    dense_dilations: tuple[int, ...] = (1, 2, 4, 8)
    down_kernel: int = 3
    down_stride: int = 2
    out_kernel: int = 2
    blocks: int = 4
    heads: int = 4
    phase_head_channels: int = 6
    recurrent_factor: int = 2
    phase_hidden: int = 64
    phase_kernel: int = 4
    leaky_slope: float = 0.01
    dropout: float = 0.1
    magnitude_eps: float = 1e-5
    phase_eps: float = 1e-7
    longest_seconds: float = 10.0
    chunk_seconds: float = 3.0
    context_seconds: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        magnitude = self.channels[0]
        if magnitude % self.heads:
            raise ValueError(
                f"heads must divide the magnitude channels; got {self.heads} and {magnitude}. Try heads=1, or "
                f"channels={(-(-magnitude // self.heads) * self.heads, self.channels[1])}."
            )
        if not self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1); got {self.dropout}. Try dropout=0.1.")
        if self.hop_length > self.win_length // 2:
            raise ValueError(
                f"hop_length must be at most win_length // 2, so that windows cover each sample; got "
                f"{self.hop_length} and {self.win_length}. Try hop_length={self.win_length // 4}."
            )
        most = self.down_stride * self.bands - self.freqs + 1
        if self.out_kernel > most:
            raise ValueError(
                f"out_kernel must be at most {most}, so that {self.down_stride} x {self.bands} frequencies leave "
                f"{self.freqs}; got {self.out_kernel}. Try out_kernel={most}."
            )
        if self.longest_seconds < self.chunk_seconds + 2 * self.context_seconds + FADE_SECONDS:
            raise ValueError(
                "longest_seconds must hold a chunk, two contexts and a cross-fade, chunk_seconds + 2 * context_seconds "
                f"+ {FADE_SECONDS}; got {self.longest_seconds}, {self.chunk_seconds} and {self.context_seconds}. "
                "Try longest_seconds=10.0, chunk_seconds=3.0, context_seconds=1.0."
            )

    @classmethod
    def _pairs(cls) -> set[str]:
        return {"channels", "dense_kernel"}

    @property
    def bands(self) -> int:
        """Frequencies in the bottleneck."""
        return -(-self.freqs // self.down_stride)

    @property
    def block_frames(self) -> int:
        """Frames that the widest kernel of a dense block spans."""
        return max(self.dense_dilations) * (self.dense_kernel[0] - 1) + 1

    @property
    def longest_samples(self) -> int:
        """Samples that one call takes at most."""
        return round(self.longest_seconds * self.sample_rate)

    @property
    def past_context(self) -> int:
        """Samples before a chunk that its call hears too; a multiple of the hop."""
        return round(self.context_seconds * self.sample_rate / self.hop_length) * self.hop_length

    @property
    def future_context(self) -> int:
        """Samples after a chunk that its call hears too; a multiple of the hop."""
        return self.past_context

    @property
    def chunk_samples(self) -> int:
        """New samples a call; a multiple of the hop."""
        return round(self.chunk_seconds * self.sample_rate / self.hop_length) * self.hop_length

    @property
    def latency_ms(self) -> float:
        """Latency of a call, which must be complete before anything of it is final, in milliseconds."""
        return 1000 * self.longest_seconds
