"""The configuration of `renet-lite`, and what follows from it without running anything.

No torch here: the registry, the Enhancer and the command line read latency and receptive field from it.
"""

from dataclasses import dataclass

from rephase.models.config import NetworkConfig

CHUNK_SECONDS = 10.24


@dataclass(frozen=True)
class RENetLiteConfig(NetworkConfig):
    """The small member of the family: hop of 16 ms, 33 bands in the bottleneck, bounded look-around in time.

    Every layer that looks along time has an explicit number of frames that it sees before and after its own, so
    the receptive field is finite and known (`past_frames`, `lookahead_frames`), and a long file in chunks gives
    what the whole file gives.

    Attributes:
        sample_rate, n_fft, hop_length, win_length, compression: the front end, see `NetworkConfig`.
        stem_channels: magnitude and complex phase channels at 1/`stem_stride` of the frequency resolution.
        stem_stride: frequency down-sampling of the first level.
        channels: magnitude and complex phase channels of the bottleneck.
        stride: further frequency down-sampling of the bottleneck.
        heads: attention heads; they divide the magnitude and the phase channels.
        groups: groups of bands that have a score map of their own in the attention along time.
        blocks: pairs of attention along time and along frequency.
        dilations: in time, of the bottleneck's convolutions; one more than `blocks`.
        lookback_frames: how many past frames one attention along time sees.
        lookahead_frames: how many future frames the whole network sees; 0 makes every layer causal.
    """

    stem_channels: tuple[int, int] = (32, 8)
    stem_stride: int = 4
    channels: tuple[int, int] = (48, 16)
    stride: int = 2
    heads: int = 4
    groups: int = 3
    blocks: int = 2
    dilations: tuple[int, ...] = (1, 2, 4)
    lookback_frames: int = 32
    lookahead_frames: int = 30

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.win_length != 2 * self.hop_length:
            raise ValueError(
                "hop_length must be half of win_length (the square-root Hann pair reconstructs at 50 % overlap); "
                f"got {self.hop_length} and {self.win_length}. Try hop_length={self.win_length // 2}."
            )
        if any(channels % self.heads for channels in self.channels):
            raise ValueError(
                f"heads must divide both of channels; got {self.heads} and {self.channels}. Try heads=1, or channels="
                f"{tuple(-(-channels // self.heads) * self.heads for channels in self.channels)}."
            )
        if self.bands % self.groups:
            raise ValueError(
                f"groups must divide the {self.bands} bands of the bottleneck; got {self.groups}. Try groups=1."
            )
        if len(self.dilations) != self.blocks + 1:
            raise ValueError(
                f"dilations must have blocks + 1 = {self.blocks + 1} entries; got {self.dilations}. "
                f"Try dilations={tuple(2**i for i in range(self.blocks + 1))}."
            )
        most = int(0.5 * self.sample_rate / self.hop_length)
        if not 0 <= self.lookahead_frames <= most:
            raise ValueError(
                f"lookahead_frames must lie in 0 … {most} (half a second); got {self.lookahead_frames}. "
                f"Try lookahead_frames={most}."
            )
        if self.lookback_frames < max(self.attention_lookahead):
            raise ValueError(
                "lookback_frames must be at least what each attention along time looks ahead, "
                f"{max(self.attention_lookahead)} frames; got {self.lookback_frames}. Try lookback_frames=32."
            )
        if self.lookahead_frames and self.lookahead_frames < self.convolution_lookahead + self.blocks:
            raise ValueError(
                "lookahead_frames must be 0 (causal) or leave each attention along time one frame after the "
                f"convolutions' {self.convolution_lookahead}; got {self.lookahead_frames}. "
                f"Try lookahead_frames={self.convolution_lookahead + self.blocks}."
            )

    @classmethod
    def _may_be_zero(cls) -> set[str]:
        return {"lookahead_frames"}

    @classmethod
    def _pairs(cls) -> set[str]:
        return {"stem_channels", "channels"}

    @property
    def window(self) -> str:
        """The square root of a Hann window, on both sides."""
        return "sqrt_hann"

    @property
    def stem_bands(self) -> int:
        """Frequencies after the stem."""
        return -(-self.freqs // self.stem_stride)

    @property
    def bands(self) -> int:
        """Frequencies in the bottleneck."""
        return -(-self.stem_bands // self.stride)

    @property
    def causal(self) -> bool:
        """Whether no frame of the output depends on a later frame of the input."""
        return self.lookahead_frames == 0

    @property
    def time_convolutions(self) -> tuple[int, ...]:
        """Dilations of all convolutions of three frames: stem, bottleneck, decoder."""
        return (1, *self.dilations, 1)

    @property
    def convolution_lookahead(self) -> int:
        """Future frames that the convolutions see together where they are centred."""
        return sum(self.time_convolutions)

    @property
    def attention_lookahead(self) -> tuple[int, ...]:
        """Future frames that each attention along time sees; they share what the convolutions leave."""
        rest = 0 if self.causal else self.lookahead_frames - self.convolution_lookahead
        return tuple(rest // self.blocks + (i < rest % self.blocks) for i in range(self.blocks))

    @property
    def past_frames(self) -> int:
        """Past frames that one frame of the output depends on."""
        convolutions = self.convolution_lookahead * (2 if self.causal else 1)
        return convolutions + self.blocks * self.lookback_frames

    @property
    def past_context(self) -> int:
        """Samples before its own that one sample of the output depends on, at most; a multiple of the hop."""
        return (self.past_frames + self.n_fft // self.hop_length) * self.hop_length

    @property
    def future_context(self) -> int:
        """Samples after its own that one sample of the output depends on, at most; a multiple of the hop."""
        return (self.lookahead_frames + self.n_fft // self.hop_length) * self.hop_length

    @property
    def latency_ms(self) -> float:
        """Algorithmic latency: one window and the frames that the network looks ahead, in milliseconds."""
        return 1000 * (self.win_length + self.lookahead_frames * self.hop_length) / self.sample_rate

    @property
    def block_frames(self) -> int:
        """Frames of one block of the attention along time."""
        return self.lookback_frames

    @property
    def chunk_samples(self) -> int:
        """Preferred length of one call, samples; a multiple of the hop."""
        return round(CHUNK_SECONDS * self.sample_rate / self.hop_length) * self.hop_length
