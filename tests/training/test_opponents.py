"""Opponents judge what came out, are taught after it, and leave the network's own gradients alone."""

from collections.abc import Iterator

import pytest
import torch

from rephase.models.architectures import build
from rephase.training.experiment import Adversaries, MetricAdversary, PeriodAdversary, SpectrumAdversary
from rephase.training.objective import Output, output_of
from rephase.training.opponents import Opponents

SPECTRA = SpectrumAdversary(weight=0.2, features=3.0, resolutions=((512, 256),), channels=4, learning_rate=2e-3)
ALL = Adversaries(
    MetricAdversary(weight=0.5, channels=2, delay=1),
    PeriodAdversary(weight=0.1, features=2.0, channels=(4, 8)),
    SPECTRA,
)


@pytest.fixture(scope="module")
def output(experiment) -> Output:
    torch.manual_seed(0)
    clean = 0.05 * torch.randn(2, 8000)
    return output_of(build(experiment.network_config()), clean + 0.02 * torch.randn(2, 8000), clean)


@pytest.fixture(scope="module")
def opponents(experiment) -> Iterator[Opponents]:
    torch.manual_seed(0)
    opponents = Opponents(ALL, experiment.network_config())
    yield opponents
    opponents.close()


def test_the_terms_have_the_weights_of_the_experiment(opponents, output):
    terms = opponents.judge(output)
    assert {name: weight for name, (weight, _) in terms.items()} == {
        "periods": 0.1, "periods_features": 0.2, "spectra": 0.2, "spectra_features": pytest.approx(0.6), "metric": 0.5,
    }  # fmt: skip
    assert all(term.isfinite() and term.ndim == 0 for _, term in terms.values())


def test_judges_pass_gradients_on_and_keep_none(opponents, output):
    opponents.zero_grad()
    waveform = output.waveform.detach().requires_grad_()
    with opponents.as_judges():
        judged = opponents.judge(Output(**(vars(output) | {"waveform": waveform})))
        torch.stack([term for _, term in judged.values()]).sum().backward()
    assert waveform.grad is not None
    assert waveform.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in opponents.parameters())
    assert all(parameter.requires_grad for parameter in opponents.parameters())


def test_what_judges_say_does_not_depend_on_the_level(opponents, output):
    opponents.eval()  # no dropout
    quiet = Output(**(vars(output) | {"waveform": 0.1 * output.waveform, "clean": 0.1 * output.clean}))
    for name, (_, term) in opponents.judge(output).items():
        assert opponents.judge(quiet)[name][1].item() == pytest.approx(term.item(), rel=1e-2), name
    opponents.train()


@pytest.mark.parametrize(
    "alone",
    [
        Adversaries(periods=PeriodAdversary(weight=0.1, channels=(8, 16), learning_rate=2e-3)),
        Adversaries(spectra=SPECTRA),
    ],
    ids=["periods", "spectra"],
)
def test_opponents_learn_to_tell_clean_from_enhanced(experiment, output, alone):
    torch.manual_seed(0)
    opponents = Opponents(alone, experiment.network_config())
    (name,), optimizers = opponents.names(), opponents.make_optimizers()
    seen = [
        float(opponents.learn([output], optimizers, step=step, backward=torch.Tensor.backward)[f"opponent_{name}"])
        for step in range(40)
    ]
    assert seen[-1] < 0.7 * seen[0], seen


def test_labels_come_a_fixed_time_later_and_are_learned(opponents, output):
    optimizers = opponents.make_optimizers()
    learned = [opponents.learn([output], optimizers, step=step, backward=torch.Tensor.backward) for step in range(3)]
    assert ["opponent_metric" in losses for losses in learned] == [False, True, True]
    pending = opponents.pending()
    opponents.take_up(pending)
    opponents.take_up({})  # of a run that had no such judge


def test_emphasis_lets_judges_hear_high_bands(experiment, output):
    loud = Adversaries(periods=PeriodAdversary(weight=0.1, channels=(4, 8), emphasis=0.95))
    torch.manual_seed(0)
    plain = Opponents(Adversaries(periods=PeriodAdversary(weight=0.1, channels=(4, 8))), experiment.network_config())
    torch.manual_seed(0)
    emphasised = Opponents(loud, experiment.network_config())
    time = torch.arange(8000) / 16000
    low, high = (torch.sin(2 * torch.pi * freq * time).expand(2, -1) for freq in (100.0, 7000.0))
    error = {"waveform": low + 0.03 * high, "clean": low}
    terms = [each.judge(Output(**(vars(output) | error)))["periods_features"][1] for each in (plain, emphasised)]
    assert float(terms[1]) > 2 * float(terms[0])
