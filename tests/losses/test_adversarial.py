"""Adversarial losses and feature matching: closed forms, items without a label, and parts of a batch."""

import math

import pytest
import torch

from rephase.losses.adversarial import (
    discriminator_loss,
    generator_loss,
    metric_discriminator_loss,
    metric_generator_loss,
)
from rephase.losses.feature_matching import feature_matching_loss
from rephase.models.discriminators import MetricDiscriminator, MultiPeriodDiscriminator

NARROW = (4, 8, 16)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def constant(*values: float) -> list[torch.Tensor]:
    """Scores of judges that see as many samples as they like: two items."""
    return [torch.full((2, 3 + judge), float(value)) for judge, value in enumerate(values)]


def test_judges_want_ones_for_references_and_zeros_for_estimates():
    assert discriminator_loss(estimate=constant(0, 0), reference=constant(1, 1)).item() == 0
    loss = discriminator_loss(estimate=constant(0.5, -0.25), reference=constant(1.5, 0.0))
    assert loss.item() == 0.25 + 0.0625 + 0.25 + 1


def test_the_network_wants_ones():
    assert generator_loss(estimate=constant(1, 1)).item() == 0
    assert generator_loss(estimate=constant(0.5, 3.0)).item() == 0.25 + 4


@pytest.mark.parametrize(("ours", "theirs"), [([], []), (constant(1), constant(1, 1))])
def test_the_same_judges_must_judge_both(ours, theirs):
    with pytest.raises(ValueError, match="scores of the same judges, at least one"):
        discriminator_loss(estimate=ours, reference=theirs)


def test_a_judge_of_pairs_wants_the_label():
    estimate, reference, label = torch.tensor([[0.5, 0.25], [1.0, 0.5], [0.5, 0.75]])
    loss = metric_discriminator_loss(estimate=estimate, reference=reference, label=label)
    assert loss.item() == ((0 + 0) + (0.25 + 0.25)) / 2
    assert metric_generator_loss(estimate=estimate).item() == (0.25 + 0.5625) / 2


def test_items_without_a_label_are_left_out():
    values = torch.tensor([[0.5, 0.25], [1.0, 0.5]]).requires_grad_()
    loss = metric_discriminator_loss(
        estimate=values[0], reference=values[1], label=torch.tensor([math.nan, 0.75], dtype=torch.float32)
    )
    assert loss.item() == (0.25 + 0.25) / 2
    loss.backward()
    assert values.grad.tolist() == [[0, -0.5], [0, -0.5]]


def test_a_batch_without_any_label_asks_for_nothing():
    scores = torch.rand(2, requires_grad=True)
    loss = metric_discriminator_loss(estimate=scores, reference=scores, label=torch.full((2,), math.nan))
    loss.backward()
    assert loss.item() == 0
    assert scores.grad.tolist() == [0, 0]


def test_features_match_by_their_mean_distance():
    reference = [[torch.zeros(2, 3, 4), torch.zeros(2, 5)], [torch.ones(2, 2)]]
    estimate = [[torch.full((2, 3, 4), 0.5), torch.full((2, 5), -2.0)], [torch.ones(2, 2)]]
    assert feature_matching_loss(estimate=estimate, reference=reference).item() == 0.5 + 2
    assert feature_matching_loss(estimate=reference, reference=reference).item() == 0


def test_references_are_no_ones_to_change():
    estimate, reference = torch.zeros(2, 3, requires_grad=True), torch.ones(2, 3, requires_grad=True)
    feature_matching_loss(estimate=[[estimate]], reference=[[reference]]).backward()
    assert reference.grad is None
    torch.testing.assert_close(estimate.grad, torch.full((2, 3), -1 / 6))


@pytest.mark.parametrize("reference", [[], [[torch.ones(1, 2)]], [[torch.ones(1, 2)] * 2, [torch.ones(1, 2)]]])
def test_features_of_other_layers_are_refused(reference):
    with pytest.raises(ValueError, match="features of the same judges and layers"):
        feature_matching_loss(estimate=[[torch.ones(1, 2)] * 2], reference=reference)


def test_smooth_ones_have_the_gradient_of_differences():
    scores = [noise(2, 3).requires_grad_(), noise(2, 4, seed=1).requires_grad_()]
    label = torch.tensor([0.3, math.nan], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda a, b: discriminator_loss(estimate=[a], reference=[b]), scores)
    assert torch.autograd.gradcheck(lambda a, b: generator_loss(estimate=[a, b]), scores)
    items = [scores[0][:, 0], scores[1][:, 0]]
    assert torch.autograd.gradcheck(lambda a, b: metric_discriminator_loss(estimate=a, reference=b, label=label), items)
    assert torch.autograd.gradcheck(lambda a: metric_generator_loss(estimate=a), items[:1])


def of_waveforms(judge, estimate, reference, label):
    """All that a multi-period discriminator says."""
    ours, theirs = judge(estimate), judge(reference)
    scores = {"estimate": [s for s, _ in ours], "reference": [s for s, _ in theirs]}
    matching = feature_matching_loss(estimate=[f for _, f in ours], reference=[f for _, f in theirs])
    return discriminator_loss(**scores) + generator_loss(estimate=scores["estimate"]) + matching


def of_pairs(judge, estimate, reference, label):
    """All that a metric discriminator says, of waveforms folded into something like magnitudes."""
    estimate, reference = (w.abs().unflatten(1, (32, 32)) for w in (estimate, reference))
    score = judge(reference=reference, estimate=estimate)
    perfect = judge(reference=reference, estimate=reference)
    return metric_discriminator_loss(estimate=score, reference=perfect, label=label) + metric_generator_loss(
        estimate=score
    )


@pytest.mark.parametrize(
    ("judge", "loss"),
    [
        (MultiPeriodDiscriminator(channels=NARROW), of_waveforms),
        (MetricDiscriminator(channels=4), of_pairs),
    ],
    ids=["waveforms", "pairs"],
)
def test_gradients_of_halves_are_those_of_the_batch(judge, loss):
    """What averages gradients over machines takes the same step as one machine, also where a label is missing."""
    judge = judge.double().eval()
    parameters = list(judge.parameters())
    batch = (noise(4, 1024), noise(4, 1024, seed=1), torch.tensor([0.2, math.nan, 0.4, 0.5], dtype=torch.float64))
    whole = torch.autograd.grad(loss(judge, *batch), parameters)
    first, second = (
        torch.autograd.grad(loss(judge, *(part.chunk(2)[half] for part in batch)), parameters) for half in (0, 1)
    )
    assert len(whole) == len(parameters)
    for ours, one, other in zip(whole, first, second):
        torch.testing.assert_close((one + other) / 2, ours, rtol=1e-10, atol=1e-12)


def test_a_judge_learns_to_tell_noise_from_a_tone_and_back():
    """The losses lead somewhere: the judge's down, then the estimate towards the reference."""
    torch.manual_seed(0)
    judge = MultiPeriodDiscriminator(channels=(8, 16))
    optimizer = torch.optim.AdamW(judge.parameters(), 2e-3, (0.8, 0.99))
    tone = torch.sin(2 * math.pi * torch.arange(2000) / 22).expand(4, -1)
    estimate = torch.randn(4, 2000)
    losses = []
    for _ in range(60):
        ours, theirs = judge(estimate), judge(tone)
        loss = discriminator_loss(estimate=[s for s, _ in ours], reference=[s for s, _ in theirs])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    estimate = estimate.requires_grad_()
    before = generator_loss(estimate=[s for s, _ in judge(estimate)])
    (gradient,) = torch.autograd.grad(before, estimate)
    with torch.no_grad():
        assert generator_loss(estimate=[s for s, _ in judge(estimate - 3 * gradient / gradient.norm())]) < before
