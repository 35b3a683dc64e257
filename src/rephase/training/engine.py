"""A run from recordings to a model folder: prepare what it hears, fit, export the best weights."""

import json
import logging
import os
import platform
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch.utils.data import DataLoader

from rephase import __version__
from rephase.errors import RephaseError
from rephase.processes import leave_signals_to_parent
from rephase.training.batches import TrainingBatches
from rephase.training.checkpoints import Checkpoints, checkpoint_of, state_of
from rephase.training.experiment import Experiment
from rephase.training.experiment_file import plain, write_experiment
from rephase.training.interruption import Interruption
from rephase.training.listening import Listening
from rephase.training.memory import check_memory
from rephase.training.module import EnhancementModule
from rephase.training.pace import Pace
from rephase.training.result import training_facts, write_model
from rephase.training.sources import Sources, open_sources
from rephase.weights.registry import ModelFolder

logger = logging.getLogger(__name__)
PRECISIONS: dict[str, Any] = {"32": "32-true", "bf16": "bf16-mixed", "64": "64-true"}


def train(
    experiment: Experiment,
    run: Path,
    *,
    begin: ModelFolder | None = None,
    resume: bool = False,
    device: str = "auto",
    devices: int = 1,
    callbacks: tuple[Callback, ...] = (),
) -> ModelFolder | None:
    """Trains until the budget is spent and writes the model.

    Args:
        experiment: what the run does.
        run: folder for what it leaves: experiment.yaml, environment.json, checkpoints, weights (best.safetensors,
            last.safetensors), metrics.csv, TensorBoard's files and the model folder `model`.
        begin: a model whose weights the run begins with; else random ones.
        resume: whether the run goes on from its last checkpoint; without it, a run that exists is not touched.
        device: `auto`, `cpu` or `cuda`.
        devices: how many work together, each on batches of its own, their gradients averaged.
        callbacks: of Lightning, such as a progress bar.

    Returns:
        The model folder, with the averaged weights that were best on the validation pairs; none in the processes that
        only help another one.

    Raises:
        RephaseError: If recordings are missing or can't be read, the run exists or can't be resumed, memory is too
            small, or the training diverges.
        KeyboardInterrupt, SystemExit: If the run was interrupted or terminated; what it has reached is saved.
    """
    helper = int(os.environ.get("LOCAL_RANK", "0")) > 0  # started by the process that owns the run
    found, begun = checkpoint_of(run).exists(), run.exists() and any(run.iterdir())
    if begun and not found and not helper:
        raise RephaseError(
            f"the folder holds no checkpoint to go on from: its run ended before the first, or it is no run's; {run}; "
            "name another folder, or remove this one if you need nothing in it"
        )
    if resume and not found and not helper:
        raise RephaseError(f"there is no checkpoint to go on from; {run}; start the run without --resume")
    if not resume and begun and not helper:
        raise RephaseError(f"the run exists; {run}; go on with --resume, or name another folder")
    if resume and begin is not None:
        raise RephaseError("--begin and --resume exclude each other: a run that goes on has weights of its own")
    cache = Path(experiment.data.cache) if experiment.data.cache else run.parent / "cache"
    device = _device(device)
    _check_precision(experiment, device)
    if device == "cuda":  # of the GPU that this process works on, before anything is put there
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    place = f"cuda:{torch.cuda.current_device()}" if device == "cuda" else device
    sources = open_sources(experiment, cache, device=place)
    module = fit(experiment, run, sources, begin=begin, device=device, devices=devices, callbacks=callbacks)
    if not module.trainer.is_global_zero:
        return None
    facts = training_facts(
        experiment, sources.corpora, steps=module.step, minutes=module.spent / 60, starts=module.starts, devices=devices
    )
    _, degraded, clean = sources.validation[0]
    model = write_model(run, experiment, facts, speech=[w.numpy() for w in degraded[:2]], clean=clean)
    logger.info("wrote %s: %s", model.path, model.training["chosen"])
    return model


def fit(
    experiment: Experiment,
    run: Path,
    sources: Sources,
    *,
    begin: ModelFolder | None = None,
    device: str = "cpu",
    devices: int = 1,
    callbacks: tuple[Callback, ...] = (),
) -> EnhancementModule:
    """Trains and validates until the budget is spent, and leaves weights, checkpoint and logs in `run`.

    Nothing is written there before it is known that the run can begin, or go on.

    Args:
        experiment: what the run does.
        run: folder; a checkpoint in it is where the training goes on. What earlier starts of the run logged stays as
            metrics-1.csv, metrics-2.csv, ...
        sources: training and validation pairs.
        begin: a model whose weights the run begins with, where it has no checkpoint yet; else random ones.
        device: `cpu` or `cuda`.
        devices: how many work together.
        callbacks: of Lightning.

    Raises:
        RephaseError: If the loss or the weights leave the numbers, memory is too small, the checkpoint is of another
            network or kind of optimizer, or the precision can't be trained in.
        KeyboardInterrupt, SystemExit: If the run was interrupted or terminated; what it has reached is saved.
    """
    _check_precision(experiment, device)
    lightning.seed_everything(experiment.seed, verbose=False)
    module = EnhancementModule(experiment, run, epoch_steps=_epoch_steps(experiment, sources, devices))
    checkpoint = checkpoint_of(run)
    state = state_of(checkpoint, module) if checkpoint.exists() else None
    if state is not None:
        _check_optimizer(state["budget"]["starts"], experiment, checkpoint)
    first = state["budget"]["step"] if state else 0
    start: dict[str, Any] = {"step": first, "experiment": plain(experiment)}
    if state is None and begin is not None:
        module.begin_with(begin)
        start["begun_with"] = {"model": begin.name, "version": begin.version, "training": dict(begin.training)}
    module.starts = [*(state["budget"]["starts"] if state else []), start]
    check_memory(module, device)
    interruption = Interruption()
    run.mkdir(parents=True, exist_ok=True)
    trainer = _trainer(experiment, run, device=device, devices=devices, callbacks=(interruption, *callbacks))
    if trainer.is_global_zero:
        write_experiment(experiment, run / "experiment.yaml")
        _write_environment(run / "environment.json")
    if (run / "metrics.csv").exists() and trainer.is_global_zero:  # the logger would delete it
        earlier = len(list(run.glob("metrics-*.csv")))
        (run / "metrics.csv").replace(run / f"metrics-{earlier + 1}.csv")
    on_cpu = device == "cpu"
    batches = TrainingBatches(
        sources.training,
        seed=experiment.seed,
        items=experiment.batch.items,
        seconds=experiment.batch.seconds,
        first=first,
        rank=trainer.global_rank,
        world=trainer.world_size,
    )
    workers = experiment.batch.workers if on_cpu else 0  # on a GPU, batches are made there
    loader = DataLoader(
        batches,
        batch_size=None,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=leave_signals_to_parent,
    )
    valid_loader = DataLoader(sources.validation, batch_size=None)
    try:
        trainer.fit(module, loader, valid_loader, ckpt_path=checkpoint if state else None, weights_only=True)
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise RephaseError(
            f"the memory of the {device} is too small for a step; {run}; "
            f"take batch.pieces={2 * experiment.batch.pieces}, fewer batch.items or shorter batch.seconds"
        ) from error
    finally:
        module.opponents.close()
    Checkpoints.save(trainer, checkpoint)
    if interruption.number is not None:
        logger.warning("interrupted at step %d, which is saved; go on with --resume --run %s", module.step, run)
        raise KeyboardInterrupt if interruption.number == signal.SIGINT else SystemExit(128 + interruption.number)
    if module.validated != module.step:
        trainer.validate(module, valid_loader, verbose=False)
    return module


def _trainer(
    experiment: Experiment, run: Path, *, device: str, devices: int, callbacks: tuple[Callback, ...]
) -> lightning.Trainer:
    validation = experiment.validation
    return lightning.Trainer(
        accelerator="gpu" if device == "cuda" else device,
        devices=devices,
        strategy="ddp_find_unused_parameters_true" if devices > 1 else "auto",
        use_distributed_sampler=False,
        precision=PRECISIONS[experiment.precision],
        max_epochs=-1,
        val_check_interval=validation.every,
        log_every_n_steps=validation.log_every,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        logger=[CSVLogger(run, name="", version=""), TensorBoardLogger(run, name="", version="tensorboard")],
        callbacks=[Checkpoints(run, validation.checkpoint_every), Listening(validation.listen), *callbacks, Pace(run)],
    )


def _check_precision(experiment: Experiment, device: str) -> None:
    if device == "cpu" and experiment.compile and experiment.precision == "bf16":
        raise RephaseError(
            "precision bf16 can't be compiled on a CPU: the gradients of dilated convolutions come out as NaN there "
            "(seen with torch 2.13). Try compile=false, or precision=32."
        )


def _check_optimizer(starts: Sequence[Mapping[str, Any]], experiment: Experiment, checkpoint: Path) -> None:
    """Raises RephaseError where the state of the run's optimizer is that of another kind."""
    before = starts[-1]["experiment"]["optimizer"]["kind"]
    if before != experiment.optimizer.kind:
        raise RephaseError(
            f"optimizer.kind must stay {before} in a run that goes on; got {experiment.optimizer.kind}; {checkpoint}; "
            "begin a new run with --begin and the run's model for another one"
        )


def _epoch_steps(experiment: Experiment, sources: Sources, devices: int) -> int:
    asked = experiment.optimizer.epoch_steps
    files = len(sources.corpora[0]) if sources.corpora else 0
    return asked or max(1, files // (experiment.batch.items * devices))


def _device(device: str) -> str:
    if device not in ("auto", "cpu", "cuda"):
        raise RephaseError(f"device must be auto, cpu or cuda; got {device!r}. Try --device auto.")
    if device == "cuda" and not torch.cuda.is_available():
        raise RephaseError("device cuda can't be used: torch finds no GPU; use --device cpu")
    return device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"


def _write_environment(target: Path) -> None:
    """What the run was made with, for whoever wants the same again."""
    facts = {
        "rephase": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "torch": torch.__version__,
        "lightning": lightning.__version__,
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "command": sys.argv,
    }
    part = target.with_suffix(".part")
    part.write_text(json.dumps(facts, indent=2) + "\n")
    part.replace(target)
