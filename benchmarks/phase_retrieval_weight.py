"""Compares the pull of WOP and of a discriminator on a network's phasor: what `PHASE_RETRIEVAL`'s weight is chosen by.

    python benchmarks/phase_retrieval_weight.py                                           # a narrow judge
    python benchmarks/phase_retrieval_weight.py --channels 32 128 512 1024 1024 --steps 40   # the published one

Phases of real speech are disturbed by normal noise of a given standard deviation, as a network's are that has learned
so far; a multi-period discriminator learns to tell the result from the recording; then the norms of the gradients that
reach the phasor are printed, of WOP with the weight 1 and of what the discriminator asks for (adversarial + 2 · feature
matching), and their ratio once WOP has its weight. The part along the phasor is left out: its length is fixed.
"""

import argparse
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from rephase.losses.adversarial import discriminator_loss, generator_loss
from rephase.losses.feature_matching import feature_matching_loss
from rephase.losses.published import PHASE_RETRIEVAL
from rephase.losses.wopd import wopd_loss_of_pairs
from rephase.models.discriminators import MultiPeriodDiscriminator
from rephase.models.network import FastTransforms
from rephase.models.presets import RENET_SMALL
from rephase.signal.compression import decompress, magnitude_and_phasor
from rephase.signal.real_pair import from_pair, to_pair

SPEECH = Path(__file__).parent.parent / "tests" / "clips" / "speech"
SECONDS, ITEMS = 1.0, 4
TRANSFORMS = FastTransforms(RENET_SMALL)


def clean_batch(generator: np.random.Generator) -> Tensor:
    """Crops of real speech, at unit RMS."""
    length, crops = round(SECONDS * RENET_SMALL.sample_rate), []
    for path in generator.choice(sorted(SPEECH.glob("*.flac")), ITEMS):
        waveform, _ = soundfile.read(path, dtype="float32")
        start = generator.integers(0, len(waveform) - length)
        crops.append(torch.from_numpy(waveform[start : start + length]))
    batch = torch.stack(crops)
    return batch / batch.square().mean(-1, keepdim=True).sqrt()


def disturbed(clean: Tensor, deviation: float) -> tuple[Tensor, Tensor]:
    """The disturbed phasor, a leaf, and the waveform of it with the clean magnitude."""
    magnitude, phasor = magnitude_and_phasor(TRANSFORMS.stft(clean))
    turn = deviation * torch.randn_like(magnitude)
    turned = from_pair(phasor) * torch.polar(torch.ones_like(turn), turn)
    estimate = to_pair(turned).requires_grad_()
    waveform = TRANSFORMS.istft(decompress(magnitude).unsqueeze(1) * estimate, length=clean.shape[-1])
    return estimate, waveform


def pull(loss: Tensor, phasor: Tensor) -> float:
    """Norm of the gradient across the phasor."""
    (gradient,) = torch.autograd.grad(loss, phasor, retain_graph=True)
    along = (gradient * phasor).sum(1, keepdim=True) * phasor
    return (gradient - along).norm().item()


def measure(deviation: float, channels: tuple[int, ...], steps: int) -> str:
    """Trains a judge and compares both pulls; a line of the table."""
    generator = np.random.default_rng(0)
    torch.manual_seed(0)
    judge = MultiPeriodDiscriminator(channels=channels)
    optimizer = torch.optim.AdamW(judge.parameters(), 5e-4, (0.8, 0.99))
    for _ in range(steps):
        clean = clean_batch(generator)
        _, waveform = disturbed(clean, deviation)
        scores = [verdict.chunk(2) for verdict, _ in judge(torch.cat([waveform.detach(), clean]))]
        loss = discriminator_loss(estimate=[s[0] for s in scores], reference=[s[1] for s in scores])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    phases, asked = [], []
    for _ in range(4):
        clean = clean_batch(generator)
        phasor, waveform = disturbed(clean, deviation)
        wop = wopd_loss_of_pairs(estimate=phasor, reference=TRANSFORMS.stft(clean))
        ours, theirs = judge(waveform), judge(clean)
        matching = feature_matching_loss(estimate=[f for _, f in ours], reference=[f for _, f in theirs])
        phases.append((wop.item(), pull(wop, phasor)))
        asked.append(pull(generator_loss(estimate=[s for s, _ in ours]) + 2 * matching, phasor))
    distance, phase_pull = np.mean(phases, axis=0)
    judge_pull = np.mean(asked)
    ratio = PHASE_RETRIEVAL["wop"] * phase_pull / judge_pull
    return f"{deviation:9.2f} {distance:7.3f} {loss.item():11.2f} {phase_pull:9.5f} {judge_pull:9.5f} {ratio:9.1f}"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", type=int, nargs="+", default=[8, 16, 32, 64])
    parser.add_argument("--steps", type=int, default=300, help="of the judge")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("deviation     WOP  judge loss  WOP pull judge pull weighted ratio")
    for deviation in (3.0, 1.0, 0.3, 0.1):
        print(measure(deviation, tuple(options.channels), options.steps), flush=True)


if __name__ == "__main__":
    main()
