"""The chains of the published tasks: SNR −5 … 15 dB, band limited to what 4 or 8 kHz of sampling hold."""

from dataclasses import replace

from rephase.degradations.chain import Chain

_NOTHING = Chain(
    snr_db=(-5.0, 15.0), level_db=0.0, p_equaliser=0.0, p_room=0.0, p_band=0.0, p_rolloff=0.0, p_rounded=0.0,
    p_second_noise=0.0, p_clean=0.0, p_noise=0.0, resamplers=("brick",), band_rates=(4000, 8000),
)  # fmt: skip
PUBLISHED = {
    "denoise": replace(_NOTHING, p_noise=1.0),
    "dereverb": replace(_NOTHING, p_room=1.0),
    "bandwidth": replace(_NOTHING, p_band=1.0),
    "universal": replace(_NOTHING, p_noise=1.0, p_room=1.0, p_band=1.0),
    "phase-retrieval": replace(_NOTHING, p_phase=1.0),
}
