"""What runs in pythae's venv: train one of its recipes for some minutes, restore and sample, or encode.

Reads and writes npy files.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import time
from pathlib import Path
from typing import Any

import meter
import numpy as np
import torch

BATCH, RATE = 64, 1e-3
MODELS = ("vae", "rae_l2")
NETS = ("mlp", "conv", "resnet")


class TimeIsUpError(Exception):
    """Ends pythae's training loop, which knows epochs only, at the deadline."""


def build(recipe: str, dim: int) -> Any:
    """A pythae model: ``vae`` or ``rae_l2``, with its default MLP or the convolutional or residual nets that
    it proposes for MNIST.
    """
    from pythae.models import RAE_L2, VAE, RAE_L2_Config, VAEConfig
    from pythae.models.nn.benchmarks.mnist import (
        Decoder_Conv_AE_MNIST,
        Decoder_ResNet_AE_MNIST,
        Encoder_Conv_AE_MNIST,
        Encoder_Conv_VAE_MNIST,
        Encoder_ResNet_AE_MNIST,
        Encoder_ResNet_VAE_MNIST,
    )

    kind, _, net = recipe.partition("-")
    model, config = {"vae": (VAE, VAEConfig), "rae_l2": (RAE_L2, RAE_L2_Config)}[kind]
    told = config(input_dim=(1, 28, 28), latent_dim=dim)
    if net == "mlp":
        return model(told)
    encoders = {
        "conv": {"vae": Encoder_Conv_VAE_MNIST, "rae_l2": Encoder_Conv_AE_MNIST},
        "resnet": {"vae": Encoder_ResNet_VAE_MNIST, "rae_l2": Encoder_ResNet_AE_MNIST},
    }[net]
    decoder = {"conv": Decoder_Conv_AE_MNIST, "resnet": Decoder_ResNet_AE_MNIST}[net]
    return model(told, encoder=encoders[kind](told), decoder=decoder(told))


def pictures(path: Path, count: int | None = None) -> torch.Tensor:
    """uint8 (n, 28, 28, 1) on disk -> float32 (n, 1, 28, 28) in [0, 1], as pythae takes them."""
    items = np.load(path, mmap_mode="r", allow_pickle=False)[:count]
    return torch.from_numpy(items.transpose(0, 3, 1, 2).astype(np.float32) / 255)


def train(given: argparse.Namespace) -> dict[str, Any]:
    """Fit a recipe until the time is up, then restore the test pictures and sample with every sampler."""
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    class Deadline(TrainingCallback):
        steps, begun = 0, 0.0

        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self.begun = time.perf_counter()

        def on_train_step_end(self, *_: Any, **__: Any) -> None:
            self.steps += 1
            if time.perf_counter() - self.begun > 60 * given.minutes:
                raise TimeIsUpError

    torch.manual_seed(given.seed)
    x = pictures(given.data)
    model, deadline = build(given.recipe, given.dim), Deadline()
    config = BaseTrainerConfig(
        output_dir=str(given.out),
        num_epochs=1_000_000,
        learning_rate=RATE,
        per_device_train_batch_size=BATCH,
        no_cuda=True,
        seed=given.seed,
    )
    trainer = BaseTrainer(model, _dataset(x), training_config=config, callbacks=[deadline])
    cpu = time.process_time()
    with contextlib.suppress(TimeIsUpError):
        trainer.train()
    told = {
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - deadline.begun,
        "steps": deadline.steps,
    }
    told |= {
        "epochs": deadline.steps * BATCH / len(x),
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    model.eval()
    torch.save(model.state_dict(), given.out / "state.pt")
    test = pictures(given.test)
    with torch.no_grad():
        restored = torch.cat([model.predict(part).recon_x.reshape(part.shape) for part in test.split(500)])
    np.save(given.out / "restored.npy", restored.numpy())
    return {**told, "samplers": samples(model, x, given)}


def _dataset(x: torch.Tensor) -> Any:
    from pythae.data.datasets import BaseDataset

    return BaseDataset(x, torch.ones(len(x)))


def samples(model: Any, x: torch.Tensor, given: argparse.Namespace) -> dict[str, float]:
    """Draw with each sampler that fits the model; uint8 files beside the state, and the seconds that each
    took.
    """
    from pythae.samplers import GaussianMixtureSampler, MAFSampler, MAFSamplerConfig, NormalSampler
    from pythae.trainers import BaseTrainerConfig

    took = {}
    for name in given.samplers.split(","):
        if name == "normal" and not given.recipe.startswith("vae"):
            continue  # its latents have no prior
        begun = time.perf_counter()
        if name == "normal":
            sampler = NormalSampler(model)
        elif name == "mixture":
            sampler = GaussianMixtureSampler(model)
            sampler.fit(x)
        else:
            sampler = MAFSampler(model, MAFSamplerConfig())
            config = BaseTrainerConfig(
                output_dir=str(given.out),
                num_epochs=given.maf_epochs,
                learning_rate=RATE,
                per_device_train_batch_size=128,
                no_cuda=True,
            )
            sampler.fit(x, training_config=config)
        with torch.no_grad():
            drawn = sampler.sample(num_samples=given.count, batch_size=500, return_gen=True)
        levels = (drawn.reshape(-1, 1, 28, 28).clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
        np.save(given.out / f"samples-{name}.npy", levels.numpy())
        took[name] = time.perf_counter() - begun
    return took


def encode(given: argparse.Namespace) -> dict[str, Any]:
    """Latents of the pictures, by pythae's ``embed`` in calls of `calls` pictures, or by Liminal around the
    same network.
    """
    model = build(given.recipe, given.dim)
    model.load_state_dict(torch.load(given.out / "state.pt", weights_only=True))
    model.eval()
    if given.how == "embed":
        calls = given.calls or given.count

        def work() -> torch.Tensor:
            x = pictures(given.data, given.count)
            return torch.cat([model.embed(x[i : i + calls]) for i in range(0, len(x), calls)])
    else:
        from liminal.files import let_go
        from liminal.generator import Wrapped
        from liminal.modalities.image import Image
        from liminal.priors import Normal

        modality = Image(28, 28, 1)
        wrapped = Wrapped(
            lambda z: model.decoder(z).reconstruction,
            lambda part: model.encoder(part).embedding,
            Normal(given.dim),
            modality.shape,
        )
        wrapped.add_module("model", model)
        items = np.load(given.data, mmap_mode="r", allow_pickle=False)[: given.count]

        def work() -> torch.Tensor:  # as `build.encode_all` does it, which needs more than this venv has
            parts = []
            for i in range(0, len(items), 250):
                parts.append(wrapped.encode(modality.tensor(items[i : i + 250])))
                let_go(items)
            return torch.cat(parts)

    meter.limit(given.memory)
    z, told = meter.metered(work)
    return {**told, "items": len(z), "dim": z.shape[1]}


def main() -> None:
    """Do what the command line says; the answer is the last line, JSON."""
    options = argparse.ArgumentParser()
    options.add_argument("task", choices=["train", "encode"])
    options.add_argument("--recipe", required=True)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--dim", type=int, default=16)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--threads", type=int)
    options.add_argument("--test", type=Path)
    options.add_argument("--minutes", type=float, default=5.0)
    options.add_argument("--samplers", default="normal,mixture,maf")
    options.add_argument("--maf-epochs", type=int, default=5)
    options.add_argument("--count", type=int, default=60_000, help="samples to draw, or pictures to encode")
    options.add_argument("--how", choices=["embed", "liminal"], default="embed")
    options.add_argument("--calls", type=int, default=0)
    options.add_argument("--memory", type=float, default=8.0)
    given = options.parse_args()
    logging.disable(logging.INFO)
    if given.threads:
        torch.set_num_threads(given.threads)
    given.out.mkdir(parents=True, exist_ok=True)
    meter.answer(train(given) if given.task == "train" else encode(given))


if __name__ == "__main__":
    main()
