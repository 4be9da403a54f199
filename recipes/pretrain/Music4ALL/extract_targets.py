"""Fill the shelves named in ``stored`` with the teachers' targets.

> python extract_targets.py hparams/MERT-95M.yaml --data_folder /path/to/music4all \
>     --stored '{encodec: /path/to/shelf}' --crop_step 188

Give ``train.py`` the same ``--stored`` and ``--crop_step`` afterwards: it then reads the
targets instead of running the teacher. A run that was stopped goes on with the same
command; under torchrun each process fills its own shards.

Authors
 * The mert_sb developers 2026
"""

import sys

import speechbrain as sb
import torch
from speechbrain.utils.data_pipeline import provides, takes
from speechbrain.utils.logger import get_logger

from mert_sb import frames
from mert_sb.audio.reader import read_crop, window_starts
from mert_sb.pretraining.extract import Extraction, fingerprint, row_key
from mert_sb.recipe import open_recipe
from mert_sb.store import ShelfWriter
from music4all_prepare import prepare_music4all
from train import clip_plan, clips, fit_once

logger = get_logger(__name__)


def windows(hparams, manifest, crop_frames):
    """All clips that training may draw of each row, stacked."""
    sample_rate, crop_step = hparams["sample_rate"], hparams["crop_step"]
    crop_samples = frames.n_samples(crop_frames)

    @takes("id", "wav", "start", "length")
    @provides("key", "windows")
    def windows_pipeline(item, wav, start, length):
        yield row_key(item, start, length)
        starts = window_starts(length, crop_samples, crop_step)
        # Read as training reads them: a longer stretch is resampled otherwise in the
        # last digit, which log-mels show in bands where a file has nothing.
        yield torch.stack(
            [
                read_crop(wav, start + s, crop_samples, sample_rate)
                for s in starts
            ]
        )

    return sb.dataio.dataset.DynamicItemDataset.from_json(
        manifest,
        replacements={"data_root": hparams["data_folder"]},
        dynamic_items=[windows_pipeline],
        output_keys=["key", "windows"],
    )


def main(arguments):
    """Extract for every teacher in ``stored``, training and validation rows."""
    hparams, run_opts, _ = open_recipe(prepare_music4all, arguments)
    if not hparams["stored"]:
        raise ValueError(
            "stored: names no teacher; give --stored '{teacher: folder of the shelf}'"
        )
    unstored, plan = {**hparams, "stored": {}}, clip_plan(hparams)
    crop_frames = plan.stored_frames(hparams["stored"])
    train = clips(unstored, hparams["train_manifest"], lambda: plan.at(0, 0))
    fit_once(hparams, train)
    distributed = torch.distributed.is_initialized()
    rank = torch.distributed.get_rank() if distributed else 0
    world = torch.distributed.get_world_size() if distributed else 1
    device = run_opts["device"]
    for name, folder in hparams["stored"].items():
        factory = hparams["teachers"][name]
        stamp = fingerprint(
            factory,
            crop_frames=crop_frames,
            crop_step=hparams["crop_step"],
        )
        extraction = Extraction(
            factory().to(device),
            ShelfWriter(folder, stamp, dtype="uint16"),
            sample_rate=hparams["sample_rate"],
            **hparams["extraction"],
        )
        for split in ("train", "valid"):
            seconds = extraction.run(
                windows(hparams, hparams[f"{split}_manifest"], crop_frames),
                prefix=f"{split}-",
                rank=rank,
                world=world,
                device=device,
            )
            logger.info(
                "%s: %.2f hours of %s windows extracted into %s",
                name,
                seconds / 3600,
                split,
                folder,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
