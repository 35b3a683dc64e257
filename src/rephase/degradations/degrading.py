"""The chain itself: what the draws say, done to a batch of waveforms on the device where they are."""

import torch
from jaxtyping import Float
from torch import Tensor

from rephase.degradations.babble import babble
from rephase.degradations.chain import Chain
from rephase.degradations.clipping import clip
from rephase.degradations.codec import through_codec
from rephase.degradations.coloured import coloured_noise
from rephase.degradations.draws import LEVEL_DB, Draws
from rephase.degradations.equaliser import equalise, gains_db
from rephase.degradations.noise import active_power, add_noise
from rephase.degradations.phase import without_phase
from rephase.degradations.resampler import filter_db, resample_and_back
from rephase.degradations.reverberation import convolve, direct_path
from rephase.degradations.rolloff import rolloff_db
from rephase.degradations.speed import change_speed

FULL_SCALE = 32768.0  # of 16 bits
MADE_LEVEL = 10 ** (LEVEL_DB / 20)  # of noise that is made, beside which a second one has its level


def degrade(
    chain: Chain,
    draws: Draws,
    *,
    speech: Float[Tensor, "items longer"],
    noise: Float[Tensor, "items time"],
    second: Float[Tensor, "items time"] | None = None,
    talkers: Float[Tensor, "babbling talkers time"] | None = None,
    responses: Float[Tensor, "items taps"] | None = None,
    sample_rate: int,
) -> tuple[Float[Tensor, "items time"], Float[Tensor, "items time"]]:
    """Degrades speech as drawn; the same draws give the same on the CPU, and on a GPU up to rounding.

    Args:
        chain: that the draws were made for.
        draws: on the device of the waveforms.
        speech: clean, `draws.source_length(time)` samples of it.
        noise: to be mixed in, where it is neither made nor babble.
        second: a second noise, for those items that get one; None: no item does.
        talkers: who speak for those items whose noise is babble; None: there are none.
        responses: of rooms, one for each item, with the direct sound of all at 40 samples; None: no rooms.
        sample_rate: of all waveforms, Hz.

    Returns:
        Degraded speech with the active level that was drawn, and its clean sound with the same gain: of reverberant
        speech the direct sound, as loud as the reverberant speech, so that a network is not asked to turn anything
        down.
    """
    length = noise.shape[-1]
    if draws.percents:
        speech = change_speed(speech, draws.percents, length)
    noise = _all_noise(draws, noise, second, talkers, sample_rate)
    freqs = torch.fft.rfftfreq(length, 1 / sample_rate).to(speech.device)
    speech = equalise(speech, gains_db(draws.speech_curves, freqs, chain.equaliser_db) * draws.speech_equalised)
    noise = equalise(noise, gains_db(draws.noise_curves, freqs, chain.equaliser_db) * draws.noise_equalised)
    reverberant, clean = speech, speech
    if responses is not None and chain.p_room:
        reverberant, clean = _in_room(chain, draws, speech, responses, sample_rate)
    degraded = add_noise(reverberant, noise if draws.noisy is None else noise * draws.noisy, draws.snr_db)
    if draws.clip_db is not None:
        degraded = clip(degraded, draws.clip_db)
    degraded, clean = _band_limited(chain, draws, degraded, clean, freqs, sample_rate)
    if draws.phaseless is not None:
        degraded = torch.where(draws.phaseless, without_phase(degraded), degraded)
    gain = (10 ** (draws.level_db / 20) / active_power(degraded).sqrt()).unsqueeze(-1)
    degraded, clean = gain * degraded, gain * clean
    if draws.codecs:
        degraded = _coded(draws, degraded, sample_rate)
    rounded = (degraded * FULL_SCALE).round() / FULL_SCALE
    return torch.where(draws.rounded, rounded, degraded), clean


def _all_noise(draws: Draws, noise: Tensor, second: Tensor | None, talkers: Tensor | None, sample_rate: int) -> Tensor:
    """Recorded noise, or what is made in its place, and a second one."""
    if draws.coloured_rows is not None and draws.white is not None and draws.slope is not None:
        made = coloured_noise(draws.white, draws.slope, sample_rate=sample_rate)
        noise = noise.index_copy(0, draws.coloured_rows, MADE_LEVEL * made)
    if draws.babble_rows is not None and draws.talkers_db is not None and talkers is not None:
        noise = noise.index_copy(0, draws.babble_rows, MADE_LEVEL * babble(talkers, draws.talkers_db))
    if second is not None:
        noise = noise + second * draws.second * 10 ** (draws.second_db.unsqueeze(-1) / 20)
    return noise


def _in_room(chain: Chain, draws: Draws, speech: Tensor, responses: Tensor, sample_rate: int) -> tuple[Tensor, Tensor]:
    """Reverberant speech and its direct sound, as loud."""
    early = direct_path(responses, sample_rate, early_seconds=chain.early_seconds)
    reverberant = torch.where(draws.in_room, convolve(speech, responses), speech)
    return reverberant, torch.where(draws.in_room, _as_loud(convolve(speech, early), reverberant), speech)


def _band_limited(
    chain: Chain, draws: Draws, degraded: Tensor, clean: Tensor, freqs: Tensor, sample_rate: int
) -> tuple[Tensor, Tensor]:
    """The roll-off that both have, and the limit of the degraded one: smooth, or that of a resampler."""
    smooth = draws.limited if draws.resampled is None else draws.limited & ~draws.resampled
    rolloff = rolloff_db(draws.rolloff, freqs, pass_hz=chain.rolloff_hz) * draws.rolled_off
    limit = rolloff_db(draws.limit, freqs, pass_hz=chain.band_hz) * smooth
    degraded, clean = equalise(degraded, rolloff + limit), equalise(clean, rolloff)
    if draws.resampled is not None and draws.resampler is not None:
        if draws.resampler_filter is None or draws.cutoff_hz is None:
            raise ValueError("draws of a resampler must have its filter and cut-off; got None. Make them with draw().")
        low_pass = filter_db(draws.resampler, draws.resampler_filter, draws.cutoff_hz, freqs)
        through = resample_and_back(degraded, low_pass, draws.cutoff_hz, sample_rate=sample_rate)
        degraded = torch.where(draws.resampled, through, degraded)
    return degraded, clean


def _coded(draws: Draws, waveform: Tensor, sample_rate: int) -> Tensor:
    """Those items through a codec that were drawn, on the CPU."""
    coded = waveform.clone()
    for row, (codec, kbps) in enumerate(draws.codecs):
        if codec:
            samples = through_codec(waveform[row].cpu().numpy(), codec=codec, kbps=kbps, sample_rate=sample_rate)
            coded[row] = torch.from_numpy(samples).to(waveform.device)
    return coded


def _as_loud(waveform: Tensor, other: Tensor) -> Tensor:
    """The waveform with the active level of the other."""
    return waveform * (active_power(other) / active_power(waveform)).sqrt().unsqueeze(-1)
