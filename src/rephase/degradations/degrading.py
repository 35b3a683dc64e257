"""The chain itself: what the draws say, done to a batch of waveforms on the device where they are."""

import torch
from jaxtyping import Float
from torch import Tensor

from rephase.degradations.chain import Chain
from rephase.degradations.draws import Draws
from rephase.degradations.equaliser import equalise, gains_db
from rephase.degradations.noise import active_power, add_noise
from rephase.degradations.rolloff import rolloff_db
from rephase.degradations.rooms import convolve, direct_path

FULL_SCALE = 32768.0  # of 16 bits


def degrade(
    chain: Chain,
    draws: Draws,
    *,
    speech: Float[Tensor, "items time"],
    noise: Float[Tensor, "items time"],
    second: Float[Tensor, "items time"],
    responses: Float[Tensor, "items taps"],
    sample_rate: int,
) -> tuple[Float[Tensor, "items time"], Float[Tensor, "items time"]]:
    """Degrades speech as drawn; the same draws give the same on the CPU, and on a GPU up to rounding.

    Args:
        chain: that the draws were made for.
        draws: on the device of the waveforms.
        speech: clean.
        noise: to be mixed in.
        second: a second noise, for those items that get one.
        responses: of rooms, one for each item, with the strongest sample of all at the same place.
        sample_rate: of all waveforms, Hz.

    Returns:
        Degraded speech with the active level that was drawn, and its clean sound with the same gain: of reverberant
        speech the direct sound, as loud as the reverberant speech, so that a network is not asked to turn anything
        down.
    """
    noise = noise + second * draws.second * 10 ** (draws.second_db.unsqueeze(-1) / 20)
    freqs = torch.fft.rfftfreq(speech.shape[-1], 1 / sample_rate).to(speech.device)
    speech = equalise(speech, gains_db(draws.speech_curves, freqs, chain.equaliser_db) * draws.speech_equalised)
    noise = equalise(noise, gains_db(draws.noise_curves, freqs, chain.equaliser_db) * draws.noise_equalised)
    reverberant, clean = _in_room(chain, draws, speech, responses, sample_rate)
    degraded = add_noise(reverberant, noise, draws.snr_db)
    rolloff = rolloff_db(draws.rolloff, freqs) * draws.rolled_off
    limit = rolloff_db(draws.limit, freqs, pass_hz=chain.band_hz) * draws.limited
    degraded, clean = equalise(degraded, rolloff + limit), equalise(clean, rolloff)
    gain = (10 ** (draws.level_db / 20) / active_power(degraded).sqrt()).unsqueeze(-1)
    degraded, clean = gain * degraded, gain * clean
    rounded = (degraded * FULL_SCALE).round() / FULL_SCALE
    return torch.where(draws.rounded, rounded, degraded), clean


def _in_room(chain: Chain, draws: Draws, speech: Tensor, responses: Tensor, sample_rate: int) -> tuple[Tensor, Tensor]:
    """Reverberant speech and its direct sound, as loud."""
    early = direct_path(responses, sample_rate, early_seconds=chain.early_seconds)
    reverberant = torch.where(draws.in_room, convolve(speech, responses), speech)
    return reverberant, torch.where(draws.in_room, _as_loud(convolve(speech, early), reverberant), speech)


def _as_loud(waveform: Tensor, other: Tensor) -> Tensor:
    """The waveform with the active level of the other."""
    return waveform * (active_power(other) / active_power(waveform)).sqrt().unsqueeze(-1)
