"""Temporary."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Chain:
    snr_db: tuple[float, float] = (-5.0, 25.0)
    level_db: float = 6.0
    equaliser_db: float = 9.0
    p_equaliser: float = 0.5
    p_room: float = 0.4
    early_seconds: float = 0.0025
    p_band: float = 0.35
    band_hz: tuple[float, float] = (1500.0, 7000.0)
    p_rolloff: float = 0.3
    p_rounded: float = 0.5
    p_second_noise: float = 0.3
    p_clean: float = 0.15
