"""Pretrain MERT on a folder of music.

> python train.py hparams/cpu.yaml --data_folder /path/to/music
> torchrun --nproc-per-node=8 train.py hparams/gpu.yaml --data_folder /path/to/music

The same command again goes on where a stopped run was. At the end the encoder lies in
``<output_folder>/encoder``, for ``MusicEncoder.from_hparams``.

Authors
 * The mert_sb developers 2026
"""

import sys
from pathlib import Path

import speechbrain as sb
import torch
from speechbrain.utils.data_pipeline import provides, takes
from speechbrain.utils.distributed import if_main_process, run_on_main
from speechbrain.utils.logger import get_logger

from audiofolder_prepare import prepare_audiofolder
from mert_sb import frames
from mert_sb.audio.reader import draw_crop_start, read_crop
from mert_sb.inference import export_student
from mert_sb.inference.continuing import continue_from
from mert_sb.pretraining.brain import Pretraining
from mert_sb.pretraining.crops import ClipPlan
from mert_sb.pretraining.extract import open_stored, row_key
from mert_sb.pretraining.masking import span_mask
from mert_sb.pretraining.schedules import EpochStart
from mert_sb.pretraining.shards import one_shard_an_epoch
from mert_sb.recipe import run
from mert_sb.seeds import item_generator, item_seed

logger = get_logger(__name__)


def dataio_prep(hparams):
    """Manifests to clips, masks and stored targets.

    Arguments
    ---------
    hparams : dict
        From the YAML.

    Returns
    -------
    dict of str to DynamicItemDataset
        ``train`` draws new clips and masks each epoch, ``valid`` always the same.
    """
    counter, plan = hparams["epoch_counter"], clip_plan(hparams)
    began = EpochStart(hparams["checkpointer"])
    train = clips(
        hparams,
        hparams["train_manifest"],
        lambda: plan.at(counter.current, began()),
    )
    valid = clips(hparams, hparams["valid_manifest"], lambda: plan.held_out)
    datasets = {"train": one_shard_an_epoch(train, hparams), "valid": valid}
    plan.check(datasets, hparams)
    fit_once(hparams, train)
    continue_from(hparams)
    return datasets


def clip_plan(hparams):
    """How long clips are, and how much of them is masked."""
    return ClipPlan(
        crop_frames=hparams["crop_frames"],
        mask_probability=hparams["mask_probability"],
        mask_length=hparams["mask_length"],
        subsample=hparams["student"].subsample,
    )


def clips(hparams, manifest, now):
    """The reading pipeline: one clip from each row of a manifest.

    ``now()`` gives the ``Clip`` of the current epoch.
    """
    seed, sample_rate = hparams["seed"], hparams["sample_rate"]
    crop_step, stored = hparams["crop_step"], hparams["stored"]
    shelves = open_stored(
        stored,
        hparams["teachers"],
        crop_frames=clip_plan(hparams).stored_frames(stored),
        crop_step=crop_step,
    )

    @takes("id", "length")
    @provides("crop_start")
    def crop_pipeline(item, length):
        clip = now().of(length)
        generator = item_generator(seed, clip.epoch, item, "crop")
        return draw_crop_start(
            length, clip.samples, step=crop_step, generator=generator
        )

    @takes("wav", "start", "length", "crop_start")
    @provides("sig")
    def audio_pipeline(wav, start, length, crop_start):
        n_samples = now().of(length).samples
        return read_crop(wav, start + crop_start, n_samples, sample_rate)

    @takes("id", "length")
    @provides("mask", "mixture_seed", "hiding_seed")
    def mask_pipeline(item, length):
        clip = now().of(length)
        generator = item_generator(seed, clip.epoch, item, "mask")
        yield span_mask(clip.frames, **clip.spans, generator=generator)
        yield item_seed(seed, clip.epoch, item, "mixture")
        yield item_seed(seed, clip.epoch, item, "hiding")

    def stored_pipeline(name, shelf):
        @takes("id", "start", "length", "crop_start")
        @provides(f"target_{name}")
        def target_pipeline(item, start, length, crop_start):
            window = crop_start // (crop_step * frames.HOP_LENGTH)
            codes = shelf[row_key(item, start, length)][window]
            return torch.from_numpy(codes.astype("int64"))

        return target_pipeline

    targets = [stored_pipeline(name, shelf) for name, shelf in shelves.items()]
    return sb.dataio.dataset.DynamicItemDataset.from_json(
        manifest,
        replacements={"data_root": hparams["data_folder"]},
        dynamic_items=[crop_pipeline, audio_pipeline, mask_pipeline, *targets],
        output_keys=["id", "sig", "mask", "mixture_seed", "hiding_seed"]
        + [f"target_{name}" for name in shelves],
    )


def fit_once(hparams, train):
    """Fit teachers on the main process; a file that is there is kept."""
    whole = hparams["crop_frames"] is None
    loader = sb.dataio.dataloader.make_dataloader(
        excerpts(hparams, train) if whole else train,
        # Whole rows may be shorter than an excerpt, and padding is no music.
        batch_size=1 if whole else 16,
        shuffle=True,
        num_workers=hparams["train_dataloader_opts"]["num_workers"],
        generator=torch.Generator().manual_seed(hparams["seed"]),
    )
    for fit in hparams["fits"].values():
        run_on_main(fit, args=[wavs_of(loader)])


def excerpts(hparams, train):
    """One excerpt of each row: a few whole songs would fill ``max_frames``."""

    @takes("id", "wav", "start", "length")
    @provides("sig")
    def excerpt_pipeline(item, wav, start, length):
        n_samples = frames.n_samples(min(376, frames.n_frames(length)))
        generator = item_generator(hparams["seed"], 0, item, "fit")
        begin = draw_crop_start(length, n_samples, generator=generator)
        return read_crop(wav, start + begin, n_samples, hparams["sample_rate"])

    return sb.dataio.dataset.DynamicItemDataset(
        train.data,
        dynamic_items=[excerpt_pipeline],
        output_keys=["id", "sig"],
    )


def wavs_of(loader):
    """Batches of clips; no worker starts before the first is asked for."""
    for batch in loader:
        yield batch.sig.data


if __name__ == "__main__":
    brain = run(Pretraining, prepare_audiofolder, dataio_prep, sys.argv[1:])
    # A debug run must not replace what a real one wrote.
    if if_main_process() and not brain.debug:
        folder = Path(brain.hparams.output_folder) / "encoder"
        export_student(
            brain.hparams.student,
            folder,
            **brain.hparams.card,
            teachers=brain.hparams.teachers,
            metrics=brain.held_out(),
        )
        logger.info("The encoder lies in %s", folder)
