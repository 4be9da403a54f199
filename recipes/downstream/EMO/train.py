"""Arousal and valence of emoMusic's songs, by probing or fine-tuning.

> python train.py hparams/emotion.yaml --data_folder /path/to/emo
> python train.py hparams/emotion.yaml --data_folder /path/to/emo \
>     --upstream ../upstreams/mert_full.yaml --batch_size 8 \
>     --output_folder results/full

Results: ``<output_folder>/results.json`` and ``predictions.csv``; ``inference``, to
predict with.

Authors
 * The mert_sb developers 2026
"""

import sys
from pathlib import Path

import speechbrain as sb
import torch
from speechbrain.utils.data_pipeline import provides, takes

from emo_prepare import LABELS, prepare_emo
from mert_sb.audio.reader import read_crop
from mert_sb.downstream.clip import ClipBrain
from mert_sb.downstream.open import open_upstream
from mert_sb.inference import export_task
from mert_sb.recipe import run


def dataio_prep(hparams):
    """Manifests to clips and ratings.

    Arguments
    ---------
    hparams : dict
        From the YAML.

    Returns
    -------
    dict of str to Dataset
        Of audio, or of cached states.
    """
    sample_rate = hparams["sample_rate"]

    @takes("wav", "start", "length")
    @provides("sig")
    def audio_pipeline(wav, start, length):
        return read_crop(wav, start, length, sample_rate)

    @takes("targets")
    @provides("target")
    def label_pipeline(targets):
        return torch.tensor(targets)

    datasets = {
        split: sb.dataio.dataset.DynamicItemDataset.from_json(
            f"{hparams['save_folder']}/{split}.json",
            replacements={"data_root": hparams["data_folder"]},
            dynamic_items=[audio_pipeline, label_pipeline],
            output_keys=["id", "sig", "target", "track"],
        )
        for split in ("train", "valid", "test")
    }
    return open_upstream(hparams, datasets, Path(__file__).parent, LABELS)


if __name__ == "__main__":
    brain = run(ClipBrain, prepare_emo, dataio_prep, sys.argv[1:])
    export_task(brain, LABELS, Path(__file__).parent)
