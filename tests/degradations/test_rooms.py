"""Rooms decay as asked, and a bank is the same for a seed, whoever makes it."""

import numpy as np
import pytest
import torch

from rephase.degradations import rooms, shoebox
from rephase.degradations.decay import decay_seconds
from rephase.degradations.rooms import simulate_bank
from rephase.degradations.shoebox import random_room, room_responses, strongest_from
from rephase.errors import RephaseError

RATE = 16000


@pytest.mark.parametrize("t60", [0.25, 0.4, 0.65])
def test_a_room_decays_about_as_fast_as_asked(t60):
    # Sabine's formula holds for a diffuse field; a shoebox keeps to it within about an eighth.
    source, microphones = np.array([1.2, 1.0, 1.3]), np.array([[4.1, 3.2, 1.6], [2.9, 4.0, 1.1]])
    size = np.array([6.0, 5.0, 3.0])
    responses = room_responses(size, t60, source, microphones, sample_rate=RATE, seconds=1.2)
    measured = np.mean([decay_seconds(response, RATE) for response in responses])
    assert t60 / 1.2 < measured < t60 * 1.2


def test_a_bank_has_its_direct_sound_where_promised_and_is_the_same_for_a_seed(tmp_path):
    bank = simulate_bank(tmp_path / "a.npy", rooms=2, seconds=0.3, seed=3)
    assert bank.shape == (6, 4800)
    assert bank[:, 40].tolist() == [1.0] * 6
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]
    assert torch.equal(bank, simulate_bank(tmp_path / "b.npy", rooms=2, seconds=0.3, seed=3))
    assert not torch.equal(bank, simulate_bank(tmp_path / "c.npy", rooms=2, seconds=0.3, seed=4))


def test_a_bank_is_opened_and_not_made_again_and_must_have_its_shape(tmp_path):
    path = tmp_path / "bank.npy"
    np.save(path, np.zeros((3, 1600), dtype=np.float32))
    assert simulate_bank(path, rooms=1, seconds=0.1).shape == (3, 1600)
    with pytest.raises(RephaseError, match=r"target must hold 6 responses of 1600 samples; .*\(3, 1600\)"):
        simulate_bank(path, rooms=2, seconds=0.1)


def test_a_bank_is_the_same_for_any_number_of_workers(tmp_path, monkeypatch):
    monkeypatch.setattr(rooms, "ROOMS_A_WORKER", 1)
    alone = simulate_bank(tmp_path / "1.npy", rooms=3, seconds=0.3, seed=3, workers=1)
    assert torch.equal(alone, simulate_bank(tmp_path / "2.npy", rooms=3, seconds=0.3, seed=3, workers=2))
    assert torch.equal(alone[:6], simulate_bank(tmp_path / "3.npy", rooms=2, seconds=0.3, seed=3)), "rooms are added"


@pytest.mark.parametrize("seed", [0, 6, 27])
def test_the_direct_sound_stands_where_the_distance_says_even_if_a_reflection_is_stronger(seed, monkeypatch):
    """In the rooms of the seeds 6 and 27 one is, by half and by all of its height."""
    heard = {}

    def spy(size, t60, source, microphones, **options):
        heard.update(source=source, microphones=microphones)
        heard["aligned"] = room_responses(size, t60, source, microphones, **options)
        return heard["aligned"]

    places = []

    def sought(response, first, count):
        places.append(strongest_from(response, first, count))
        return places[-1]

    monkeypatch.setattr(shoebox, "room_responses", spy)
    monkeypatch.setattr(shoebox, "strongest_from", sought)
    aligned, _ = random_room(np.random.default_rng(seed), microphones=3, sample_rate=RATE, seconds=0.2)
    distances = np.linalg.norm(heard["microphones"] - heard["source"], axis=1)
    # Each arrival of pyroomacoustics comes 40 samples late.
    assert np.abs(np.array(places) - 40 - distances / 343 * RATE).max() <= 9
    assert aligned[:, shoebox.LEAD].tolist() == [1.0] * 3
    # Nothing travels faster than the direct sound: filters ring before it, but little.
    assert np.abs(aligned[:, : shoebox.LEAD - 16]).max() < 0.2
    strongest = np.abs(aligned).max()
    assert strongest > 1.2 if seed in (6, 27) else strongest >= 1


def test_a_random_room_says_its_decay():
    for seed in range(3):
        responses, t60 = random_room(np.random.default_rng(seed), microphones=2, sample_rate=RATE, seconds=1.5)
        assert 0.15 <= t60 <= 0.7
        measured = np.mean([decay_seconds(response, RATE) for response in responses])
        assert t60 / 1.4 < measured < t60 * 1.4
