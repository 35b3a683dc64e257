"""Each task can be learned: a small network that hears one item again and again comes to give what is asked."""

from pathlib import Path

import pytest
import torch

from rephase.losses.compressed_spectrum import compressed_spectrum_loss
from rephase.losses.wopd import wopd_loss
from rephase.training.experiment_file import find_experiment, read_experiment
from rephase.training.module import EnhancementModule
from rephase.training.objective import loss_terms, output_of
from rephase.training.optimizers import make_optimizer
from rephase.training.sources import open_sources

STEPS, RATE, WARMUP, SECONDS = 500, 2e-3, 20, 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["phase-retrieval", "denoise-dns", "dereverb", "bandwidth-4khz", "universal"])
def test_one_item_is_learned_with_the_published_losses(name, clips, tmp_path):
    network = "network={preset: renet-lite, stem_channels: [16, 8], channels: [24, 16], groups: 1}"
    alone = ("adversaries.metric.weight=0", "adversaries.periods.weight=0", "optimizer.kind=muon")
    experiment = read_experiment(find_experiment(name), [f"data.folder={clips}", "data.rooms=2", network, *alone])
    degraded, clean = open_sources(experiment, Path(tmp_path)).training.batch((1, 0), 1, SECONDS)
    torch.manual_seed(0)
    module = EnhancementModule(experiment, tmp_path)
    optimizer = make_optimizer(module.network, experiment.optimizer)
    judge = wopd_loss if module.task.phase_only else compressed_spectrum_loss
    seen = []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            rate = RATE * min(1, (step + 1) / WARMUP) * (1 - 0.9 * step / STEPS)
            group["lr"] = rate * (experiment.optimizer.matrix_rate if group["use_muon"] else 1.0)
        output = output_of(module.network, degraded, clean)
        terms = loss_terms(experiment.losses, output, module.network)
        loss = torch.stack([getattr(experiment.losses, term) * value for term, value in terms.items()]).sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.network.parameters(), experiment.optimizer.clip)
        optimizer.step()
        seen.append(float(judge(estimate=output.waveform.detach(), reference=output.clean)))
    assert seen[-1] <= (0.5 if module.task.phase_only else 0.2) * seen[0], seen[::50]
