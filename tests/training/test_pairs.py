"""Training pairs: the same for a seed, as loud as promised, and never from another split."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import fsspec
import numpy as np
import pytest
import torch
from torch import Tensor

from rephase.data.corpus import PackedCorpus, pack
from rephase.data.shard_writer import write_shards
from rephase.degradations.chain import Chain
from rephase.degradations.noise import active_power
from rephase.errors import RephaseError
from rephase.training.batches import TrainingBatches, ValidationBatches
from rephase.training.experiment import ExperimentError
from rephase.training.pairs import KINDS, Degrader
from rephase.training.sources import open_sources


def constant(value: int, files: int = 3, source: str = "one") -> PackedCorpus:
    """Files of a second in which every sample has the same value."""
    samples = np.full(files * 16000, value, dtype=np.int16)
    return PackedCorpus(samples, np.arange(files + 1) * 16000, (source,) * files, 16000)


def click_rooms() -> Tensor:
    rooms = torch.zeros(2, 400)
    rooms[:, 40] = 1.0
    rooms[0, 200], rooms[1, 300] = 0.5, -0.5
    return rooms


def decaying_rooms() -> Tensor:
    """Noise that decays, with its direct sound at 40: no simulation that another version makes otherwise."""
    rooms = torch.randn(6, 3200, generator=torch.Generator().manual_seed(5)) * torch.exp(-torch.arange(3200) / 400)
    rooms = 0.2 * rooms
    rooms[:, :40] *= 0.1
    rooms[:, 40] = 1
    return rooms


def plain(**changes: object) -> Chain:
    """Speech and noise, and nothing else."""
    never = dict.fromkeys(
        ("p_equaliser", "p_room", "p_band", "p_rolloff", "p_rounded", "p_clean", "p_second_noise"), 0.0
    )
    return replace(Chain(), **({"level_db": 0.0} | never | changes))


@pytest.fixture(scope="module")
def corpora(tmp_path_factory, clips: Path) -> tuple[PackedCorpus, PackedCorpus]:
    cache = tmp_path_factory.mktemp("cache")
    speech, noise = (pack(clips / f"{name}.csv", "train", cache / f"{name}.npy") for name in ("speech", "noise"))
    return speech, noise


@pytest.fixture(scope="module")
def degrader(corpora) -> Degrader:
    return Degrader(*corpora, decaying_rooms(), Chain(p_room=0.5))


# Sums of |degraded| and |clean|, and samples of items 3 and 7, of the pairs that models before were trained and chosen
# with.
KNOWN = {
    "denoise": [4582.777344, 3069.20459, -0.088409, -0.02351, 0.033325, -0.000723],
    "dereverb": [3595.216309, 3286.505127, 0.011505, -0.003242, 0.008667, 0.004144],
    "bandwidth": [3143.446777, 3647.110352, -0.028778, -0.02876, -0.000916, -0.000784],
    "universal": [4649.071777, 3281.545654, -0.055359, -0.002636, 0.041534, 0.003757],
    "training": [4115.341309, 3167.54541, -0.126434, -0.044657, 0.015686, -0.00066],
}


@pytest.mark.parametrize("name", KNOWN)
def test_pairs_are_those_of_earlier_versions(corpora, name):
    weights = {"librispeech": 6.0, "speechocean762": 3.0}
    degrader = Degrader(*corpora, decaying_rooms(), {**KINDS, "training": Chain()}[name], weights)
    degraded, clean = degrader.batch((0, 7), 8, 1.0)
    sums = [float(side.abs().sum()) for side in (degraded, clean)]
    samples = [float(side[item, time]) for item, time in ((3, 1000), (7, 15000)) for side in (degraded, clean)]
    assert sums == pytest.approx(KNOWN[name][:2], rel=1e-5)
    # One step of 16 bits, which other processors' FFTs may round across.
    assert samples == pytest.approx(KNOWN[name][2:], abs=3.2e-5)


def test_the_same_seed_gives_the_same_batch_and_another_another(degrader):
    first, again, other = (degrader.batch(seed, 4, 0.5) for seed in ((1, 7), (1, 7), (1, 8)))
    assert all(torch.equal(left, right) for left, right in zip(first, again))
    assert not any(torch.equal(left, right) for left, right in zip(first, other))


def test_batches_go_on_anywhere(degrader):
    def batches(first: int, count: int) -> list[tuple[Tensor, Tensor]]:
        return list(islice(TrainingBatches(degrader, seed=1, items=4, seconds=0.5, first=first), count))

    whole, rest = batches(0, 4), batches(2, 2)
    assert all(torch.equal(left, right) for ours, theirs in zip(whole[2:], rest) for left, right in zip(ours, theirs))


def test_items_of_a_batch_differ(degrader):
    degraded, clean = degrader.batch((3,), 4, 0.5)
    assert degraded.shape == clean.shape == (4, 8000)
    assert not any(torch.equal(clean[0], clean[item]) for item in (1, 2, 3))


def test_the_level_is_26_db_below_full_scale_give_or_take_the_deviation(degrader):
    level = 10 * torch.log10(active_power(degrader.batch((1, 0), 64, 0.5)[0]))
    assert (level + 26).abs().max() <= 8.001
    assert level.max() - level.min() > 8
    fixed = Degrader(degrader.speech, degrader.noise, degrader.rooms, replace(degrader.chain, level_db=0.0))
    level = 10 * torch.log10(active_power(fixed.batch((1, 0), 8, 0.5)[0]))
    torch.testing.assert_close(level, torch.full((8,), -26.0), atol=1e-3, rtol=0)


def test_the_difference_of_a_pair_is_noise_at_the_asked_ratio():
    quiet = plain(snr_db=(12.0, 12.0))
    degraded, clean = Degrader(constant(1000), constant(50), click_rooms(), quiet).batch((0,), 3, 0.5)
    ratio = 10 * torch.log10(active_power(clean) / (degraded - clean).square().mean(-1))
    torch.testing.assert_close(ratio, torch.full((3,), 12.0), atol=1e-3, rtol=0)


def test_reverberation_stays_in_the_input_and_out_of_the_target():
    always = plain(snr_db=(200.0, 200.0), p_room=1.0, early_seconds=0.0025)
    speech = constant(0, files=1)
    speech.samples[::1600] = 16384  # a click each tenth of a second
    degraded, clean = Degrader(speech, constant(0), click_rooms(), always).batch((0,), 2, 0.5)
    for ours, theirs in zip(degraded, clean):
        clicks = (theirs > 0.5 * theirs.max()).nonzero().flatten()
        assert ((theirs.abs() > 1e-3 * theirs.max()).nonzero().flatten() == clicks).all()
        echoes = (ours.abs() > 0.25 * ours.max()).sum()
        assert echoes >= 2 * len(clicks) - 1
        ratio = theirs[clicks] / ours[clicks]
        torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio), rtol=1e-3, atol=0)
    # The target is as loud as the reverberant speech, which its direct sound alone is not.
    assert not torch.isclose(ratio[0], torch.tensor(1.0), atol=0.05)
    torch.testing.assert_close(active_power(clean), active_power(degraded), rtol=1e-3, atol=0)


def test_a_resamplers_edge_is_missing_in_input_and_target():
    samples = np.random.default_rng(0).integers(-9000, 9000, 32000).astype(np.int16)
    white = PackedCorpus(samples, np.array([0, 32000]), ("made",), 16000)
    for pair in Degrader(white, white, click_rooms(), plain(p_rolloff=1.0)).batch((0,), 8, 1.0):
        power = torch.fft.rfft(pair).abs().square()
        edge, below = power[:, 7950:7990].mean(1), power[:, 5000:6400].mean(1)
        assert (edge < 1e-3 * below).sum() >= 5, "some filters end at the Nyquist frequency"
    for pair in Degrader(white, white, click_rooms(), plain()).batch((0,), 8, 1.0):
        power = torch.fft.rfft(pair).abs().square()
        assert (power[:, 7950:7990].mean(1) > 0.1 * power[:, 5000:6400].mean(1)).all()


def test_a_roll_off_begins_where_the_chain_says():
    samples = np.random.default_rng(0).integers(-9000, 9000, 32000).astype(np.int16)
    white = PackedCorpus(samples, np.array([0, 32000]), ("made",), 16000)
    low = plain(p_rolloff=1.0, rolloff_hz=(2000.0, 3000.0))
    for pair in Degrader(white, white, click_rooms(), low).batch((0,), 8, 1.0):
        power = torch.fft.rfft(pair).abs().square()
        assert (power[:, 3900:].mean(1) < 1e-6 * power[:, :1900].mean(1)).all()
        assert (power[:, 1700:1900].mean(1) > 0.5 * power[:, :1700].mean(1)).all(), "below it nothing is missing"


def test_a_limited_band_is_missing_in_the_input_alone():
    samples = np.random.default_rng(0).integers(-9000, 9000, 32000).astype(np.int16)
    white = PackedCorpus(samples, np.array([0, 32000]), ("made",), 16000)
    always = plain(snr_db=(200.0, 200.0), p_band=1.0, p_rolloff=1.0, band_hz=(1500.0, 3000.0))
    degraded, clean = Degrader(white, white, click_rooms(), always).batch((0,), 8, 1.0)
    limited, whole = (torch.fft.rfft(waveform).abs().square() for waveform in (degraded, clean))
    assert (limited[:, 3900:].mean(1) < 1e-6 * limited[:, :1400].mean(1)).all()
    assert (whole[:, 3900:].mean(1) > 0.5 * whole[:, :1400].mean(1)).all(), "a target has its whole band"
    torch.testing.assert_close(limited[:, :1400], whole[:, :1400], rtol=1e-2, atol=1e-2)


def test_a_rounded_input_lies_on_the_grid_of_16_bits():
    degraded, clean = Degrader(constant(1000), constant(50), click_rooms(), plain(p_rounded=1.0)).batch((0,), 3, 0.5)
    assert torch.equal(degraded * 32768, (degraded * 32768).round())
    assert not torch.equal(clean * 32768, (clean * 32768).round())


def test_each_task_asks_for_its_own_degradation(corpora):
    makers = {task: Degrader(*corpora, decaying_rooms(), chain) for task, chain in KINDS.items()}
    pairs = {task: (degraded, clean) for task, degraded, clean in ValidationBatches(makers, 1).batches}
    assert list(pairs) == ["denoise", "dereverb", "bandwidth", "universal"]
    high = {
        task: (torch.fft.rfft(degraded).abs().square()[:, 20000:].sum(1)
               / torch.fft.rfft(clean).abs().square()[:, 20000:].sum(1))
        for task, (degraded, clean) in pairs.items()
    }  # fmt: skip
    assert (high["bandwidth"] < 0.1).all()
    assert (high["dereverb"] > 0.1).all()


def test_sources_are_drawn_by_their_weight():
    samples = np.concatenate([np.full(16000, 100, dtype=np.int16), np.full(16000, 200, dtype=np.int16)])
    speech = PackedCorpus(samples, np.array([0, 16000, 32000]), ("rare", "often"), 16000)
    rare = plain(snr_db=(200.0, 200.0))
    often = Degrader(speech, constant(1), click_rooms(), rare, {"often": 1e9})
    assert {often._speech.place(np.random.default_rng(seed))[0] for seed in range(50)} == {1}


def test_weights_that_leave_no_speech_are_refused(tmp_path, changed):
    with pytest.raises(RephaseError, match=r"data\.source_weights must leave .*; librispeech; give one of them more"):
        open_sources(changed("data.source_weights={librispeech: 0.0}"), tmp_path)


def test_weights_of_sources_that_there_are_not_are_told_once(tmp_path, changed, caplog):
    open_sources(changed("data.source_weights={librispeech: 2.0}"), tmp_path)
    assert "source_weights" not in caplog.text
    open_sources(changed("data.source_weights={librispech: 6.0, librispeech: 2.0}"), tmp_path)
    told = "no speech is of librispech: data.source_weights counts for nothing there; sources are librispeech"
    assert caplog.text.count(told) == 1


def test_validation_never_hears_training_files_and_training_never_validation(tmp_path, changed):
    sources = open_sources(changed(), tmp_path)
    training, validation = sources.training, sources.validation
    for name, corpus in (("speech", training.speech), ("noise", training.noise)):
        train, valid = (np.load(tmp_path / f"{name}-{split}.npy") for split in ("train", "valid"))
        assert np.array_equal(corpus.samples, train)
        assert not _shared_stretch(train, valid)
    bank = torch.from_numpy(np.load(tmp_path / "rooms-2-direct.npy"))
    assert torch.equal(training.rooms, bank[:3]), "the last room is validation's alone"
    # Its clean speech is valid's to the sample, up to the gain.
    clean = validation[0][2][0]
    speech = torch.from_numpy(np.load(tmp_path / "speech-valid.npy").astype(np.float32))
    assert _best_match(clean, torch.cat([speech, speech])) > 0.999
    assert _best_match(clean, torch.from_numpy(training.speech.samples.astype(np.float32))) < 0.9


@pytest.mark.parametrize("end", ["", "/", "/train.json"])
def test_speech_may_be_shards_at_a_url(tmp_path, changed, clips, end):
    memory, bucket = fsspec.filesystem("memory"), f"sources-{len(end)}"
    for split in ("train", "valid"):
        write_shards(clips / "speech.csv", tmp_path / "shards", split=split, shard_mb=0.1)
    for path in (tmp_path / "shards").iterdir():
        memory.pipe(f"/{bucket}/{path.name}", path.read_bytes())
    open_sources(changed(f"data.speech=memory://{bucket}{end}", "degradation.p_room=0.0"), tmp_path / "cache")
    for split in ("train", "valid"):
        packed = pack(clips / "speech.csv", split, tmp_path / f"{split}.npy")
        assert np.array_equal(np.load(tmp_path / "cache" / f"speech-{split}.npy"), packed.samples)


@pytest.mark.parametrize("name", ["shards", "shards/train.json", "shards/valid.json"])
def test_speech_may_be_shards_in_the_folder_of_the_data(tmp_path, changed, clips, name):
    for split in ("train", "valid"):
        write_shards(clips / "speech.csv", tmp_path / "shards", split=split, shard_mb=0.1)
    shards = (f"data.folder={tmp_path}", f"data.speech={name}", "data.noise=null", "degradation.p_noise=0.0")
    open_sources(changed(*shards, "degradation.p_room=0.0", "validation.kinds=[own]"), tmp_path / "cache")
    for split in ("train", "valid"):
        packed = pack(clips / "speech.csv", split, tmp_path / f"{split}.npy")
        assert np.array_equal(np.load(tmp_path / "cache" / f"speech-{split}.npy"), packed.samples)


def test_a_manifest_that_is_missing_is_told_before_anything_is_decoded(tmp_path, changed):
    missing = r"can't read the manifest \(no such file\); .*clips/nothing\.csv; .*another manifest \(data\.noise\)"
    with pytest.raises(ExperimentError, match=missing):
        open_sources(changed("data.noise=nothing.csv"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_validation_is_the_same_whatever_the_experiment(tmp_path, changed):
    first = open_sources(changed(), tmp_path).validation
    changes = ("validation.batches=2", "seed=9", "degradation.snr_db=[40.0, 40.0]", "degradation.level_db=3.0")
    second = open_sources(changed(*changes), tmp_path).validation
    assert len(second) == 2 * len(first)
    assert all(torch.equal(left, right) for left, right in zip(first[0][1:], second[0][1:]))
    assert first[0][1].shape == (8, 64000)


def test_a_device_is_given_the_same_crops(corpora):
    """What lies on a GPU is indexed there; here the same code runs on samples that lie in memory."""
    speech, noise = corpora
    on_disk, in_memory = (Degrader(speech, noise, decaying_rooms(), Chain()) for _ in range(2))
    for crops in (in_memory._speech, in_memory._noise):
        crops._samples = torch.from_numpy(np.array(crops.corpus.samples))
    for ours, theirs in zip(on_disk.batch((5,), 8, 1.0), in_memory.batch((5,), 8, 1.0)):
        assert torch.equal(ours, theirs)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_pairs_up_to_rounding(corpora):
    chain = Chain(p_rounded=0.0, p_coloured=0.2, p_babble=0.2, p_speed=0.3, p_resampler=0.5)
    pairs = [Degrader(*corpora, decaying_rooms(), chain, device=device).batch((1,), 16, 1.0)
             for device in ("cpu", "cuda")]  # fmt: skip
    for ours, theirs in zip(*pairs):
        assert theirs.is_cuda
        assert float(((ours - theirs.cpu()).norm(dim=-1) / ours.norm(dim=-1)).max()) < 1e-4


def test_babble_is_of_other_files_than_the_speech():
    samples = np.concatenate([np.full(16000, value, dtype=np.int16) for value in (1000, 2000, 3000, 4000)])
    speech = PackedCorpus(samples, np.arange(5) * 16000, ("one",) * 4, 16000)
    crops = Degrader(speech, constant(1), None, plain())._speech
    assert crops.files_of((0, 0), 16000) == {0}
    assert crops.files_of((0, 1), 16000) == {0, 1}
    assert crops.files_of((3, 100), 16000) == {3, 0}
    assert crops.files_of((1, 0), 99999) == {0, 1, 2, 3}
    random = np.random.default_rng(0)
    assert {crops.place_outside(random, {0, 2})[0] for _ in range(50)} == {1, 3}
    assert {crops.place_outside(random, {0, 1, 2, 3})[0] for _ in range(50)} <= {0, 1, 2, 3}


def test_babble_makes_pairs_with_the_asked_ratio(corpora):
    speech, _ = corpora
    degrader = Degrader(speech, None, None, plain(p_babble=1.0, p_noise=1.0, snr_db=(5.0, 5.0)))
    degraded, clean = degrader.batch((0,), 6, 1.0)
    ratio = 10 * torch.log10(active_power(clean) / (degraded - clean).square().mean(-1))
    torch.testing.assert_close(ratio, torch.full((6,), 5.0), atol=0.01, rtol=0)


def test_without_noise_and_rooms_there_must_be_no_need_of_them(corpora):
    speech, _ = corpora
    with pytest.raises(RephaseError, match=r"noise must be a corpus where a chain mixes recorded noise in; got None"):
        Degrader(speech, None, decaying_rooms(), Chain())
    with pytest.raises(RephaseError, match=r"rooms must be responses where p_room is 0.4; got None. Try p_room=0."):
        Degrader(speech, None, None, Chain(p_noise=0.0, p_second_noise=0.0))
    for second in (0.0, 1.0):  # without a first one there is no second
        silent = plain(p_noise=0.0, p_second_noise=second)
        degraded, clean = Degrader(speech, None, None, silent).batch((0,), 2, 0.5)
        assert torch.equal(degraded, clean)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ((), r"recorded noise; got null\. Try data\.noise=noise\.csv, or degradation\.p_noise=0\."),
        (
            ("degradation.p_noise=0.0", "validation.kinds=[own, dereverb, bandwidth]"),
            r"validation pairs of the kinds dereverb, bandwidth; got null\. Try validation\.kinds=\[own\]",
        ),
    ],
)
def test_without_noise_what_needs_it_is_told_before_anything_is_decoded(tmp_path, changed, changes, message):
    with pytest.raises(ExperimentError, match=message):
        open_sources(changed("data.noise=null", *changes), tmp_path)
    assert not list(tmp_path.iterdir())
    open_sources(changed("data.noise=null", "degradation.p_noise=0.0", "validation.kinds=[own]"), tmp_path)


def test_options_leave_what_was_drawn_before(corpora):
    """An option moves no crop and no draw of another: with a chance near 0 it changes nothing."""
    plain_pairs = Degrader(*corpora, decaying_rooms(), Chain()).batch((0, 7), 8, 0.5)
    options = dict.fromkeys(("p_coloured", "p_babble", "p_clip", "p_codec", "p_resampler", "p_phase"), 1e-12)
    with_options = Degrader(*corpora, decaying_rooms(), Chain(**options)).batch((0, 7), 8, 0.5)
    assert all(torch.equal(left, right) for left, right in zip(plain_pairs, with_options))


def _shared_stretch(first: np.ndarray, second: np.ndarray, length: int = 64) -> bool:
    """Whether any stretch of `length` samples of the one stands in the other (silence aside)."""
    haystack = {second[start : start + length].tobytes() for start in range(len(second) - length)}
    return any(
        first[start : start + length].tobytes() in haystack
        for start in range(0, len(first) - length, length)
        if np.ptp(first[start : start + length]) > 8
    )


def _best_match(piece: Tensor, whole: Tensor) -> float:
    """Largest normalised cross-correlation of a piece with any stretch of a recording."""
    size = len(whole) + len(piece)
    product = torch.fft.irfft(torch.fft.rfft(whole, size) * torch.fft.rfft(piece, size).conj(), size)
    energy = torch.nn.functional.pad(whole.double().square().cumsum(0), (1, 0))
    local = (energy[len(piece) :] - energy[: -len(piece)]).clamp_min(1.0).sqrt()
    return float((product[: len(local)].double() / (local * piece.norm())).max())
