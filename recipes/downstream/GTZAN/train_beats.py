"""Beats and downbeats of GTZAN's songs, by probing or fine-tuning.

> python train_beats.py hparams/beat.yaml --data_folder /path/to/gtzan \
>     --annotations_folder /path/to/beats
> python train_beats.py hparams/beat_shift.yaml --data_folder /path/to/gtzan \
>     --annotations_folder /path/to/beats --batch_size 8 \
>     --upstream ../upstreams/mert_full.yaml --output_folder results/full

Results: ``<output_folder>/results.json``, ``predictions.csv`` (the scores of each test
file), ``beats`` and ``excerpt.npz``, to be drawn; ``inference``, for ``mert-sb beats``.

Authors
 * The mert_sb developers 2026
"""

import sys
from pathlib import Path

import speechbrain as sb
import torch
from speechbrain.utils.data_pipeline import provides, takes

from gtzan_beats_prepare import prepare_gtzan_beats
from mert_sb import frames
from mert_sb.audio.reader import draw_crop_start, read_crop
from mert_sb.downstream import tail
from mert_sb.downstream.beats.brain import BeatBrain
from mert_sb.downstream.open import open_frames
from mert_sb.inference import export_beats
from mert_sb.recipe import run
from mert_sb.seeds import item_generator


def dataio_prep(hparams):
    """Manifests to clips and targets: crops for training, else whole files.

    Arguments
    ---------
    hparams : dict
        From the YAML.

    Returns
    -------
    dict of str to DynamicItemDataset
        ``train`` draws new crops each epoch.
    """
    open_frames(hparams, Path(__file__).parent, ["crop_seconds"])
    return {
        split: clips(hparams, split, crop=split == "train")
        for split in ("train", "valid", "test")
    }


def clips(hparams, split, crop):
    """The reading pipeline of a split."""
    seed, sample_rate = hparams["seed"], hparams["sample_rate"]
    family, counter = hparams["family"], hparams["epoch_counter"]
    crop_samples = round(hparams["crop_seconds"] * sample_rate)

    @takes("id", "length")
    @provides("first", "n_samples")
    def crop_pipeline(item, length):
        if not crop or length <= crop_samples:
            yield 0
            yield length
            return
        dice = item_generator(seed, counter.current, item, "crop")
        yield draw_crop_start(length, crop_samples, generator=dice)
        yield crop_samples

    @takes("wav", "start", "first", "n_samples")
    @provides("sig")
    def audio_pipeline(wav, start, first, n_samples):
        crop = read_crop(wav, start + first, n_samples, sample_rate)
        return tail.add_tail(crop)

    @takes("length", "first", "n_samples", "beats", "downbeats")
    @provides("target")
    def target_pipeline(length, first, n_samples, beats, downbeats):
        frame_rate = frames.frame_rate(sample_rate)
        whole = family.targets(
            beats, downbeats, tail.n_frames(length), frame_rate
        )
        begin = first // frames.HOP_LENGTH
        crop = whole[begin : begin + tail.n_frames(n_samples)]
        return torch.as_tensor(crop, dtype=torch.float32)

    return sb.dataio.dataset.DynamicItemDataset.from_json(
        f"{hparams['save_folder']}/{split}.json",
        replacements={"data_root": hparams["data_folder"]},
        dynamic_items=[crop_pipeline, audio_pipeline, target_pipeline],
        output_keys=["id", "sig", "target", "track", "beats", "downbeats"],
    )


if __name__ == "__main__":
    brain = run(BeatBrain, prepare_gtzan_beats, dataio_prep, sys.argv[1:])
    export_beats(brain, Path(__file__).parent)
